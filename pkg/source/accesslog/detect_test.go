package accesslog_test

import (
	"errors"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

func TestDetect(t *testing.T) {
	const line = `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"` + "\n"
	found, err := accesslog.Detect([]byte(line+line+line[:20]), nil)
	if err != nil || found.Format.Name != "nginx-combined" || found.Reason == "" {
		t.Errorf("got %+v %v", found, err)
	}
	var unknown *accesslog.DetectError
	if _, err := accesslog.Detect([]byte("nonsense\n"), nil); !errors.As(err, &unknown) || unknown.Line != "nonsense" {
		t.Errorf("got %v", err)
	}
}
