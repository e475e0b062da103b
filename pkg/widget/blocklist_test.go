package widget

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func blockListRequest(entries ...blocklist.Entry) Request {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	return Request{
		Query: Query{QueryType: "blockList"}, From: at.Add(-time.Hour), To: at, Now: at, Level: tenant.Premium, Organization: "acme",
		BlockList: func(context.Context) (blocklist.List, error) { return entries, nil },
	}
}

func TestBlockList(t *testing.T) {
	since := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	frames, err := Run(t.Context(), noSums{}, blockListRequest(
		blocklist.Entry{Kind: blocklist.IP, Value: "203.0.113.0/24", Reason: "takes all", By: "ann", Added: since, Until: since.Add(time.Hour)},
		blocklist.Entry{Kind: blocklist.User, Value: "o'neil; $(id)", Reason: "shares", By: "bob", Added: since},
	))
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string][]string{
		"kind": {"ip", "user"}, "value": {"203.0.113.0/24", "o'neil; $(id)"}, "reason": {"takes all", "shares"}, "by": {"ann", "bob"},
		"remove": {"streamlens block remove --org=acme --ip='203.0.113.0/24'", `streamlens block remove --org=acme --user='o'\''neil; $(id)'`},
	} {
		if got := textsOf(t, frames[0], column); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	until, _ := frames[0].FieldByName("until")
	if at, ok := until.ConcreteAt(0); !ok || !at.(time.Time).Equal(since.Add(time.Hour)) || !until.NilAt(1) {
		t.Errorf("until is %v and %v", until.At(0), until.At(1))
	}
	if frames, err = Run(t.Context(), noSums{}, blockListRequest()); err != nil || frames[0].Meta.Custom.(map[string]any)[CustomNothing] != "Nobody is on the block list" {
		t.Errorf("an empty list: %v, %v", frames, err)
	}
}

func TestBlockListRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Request)
		fixed  Fixed
		kind   error
		short  string
	}{
		"the level default": {func(r *Request) { r.Level = tenant.Default }, nil, ErrForbidden, "Needs the level premium"},
		"fixed filters":     {func(*Request) {}, Fixed{"country": {"DE"}}, ErrForbidden, "Only for the whole organisation"},
		"no list":           {func(r *Request) { r.BlockList = nil }, nil, ErrBadQuery, "No block list is set up"},
		"a filter":          {func(r *Request) { r.Country = []string{"DE"} }, nil, ErrBadQuery, "The query is not possible"},
		"an alert":          {func(r *Request) { r.Alert = true }, nil, ErrBadQuery, "The query is not possible"},
		"a series":          {func(r *Request) { r.Form = FormSeries }, nil, ErrBadQuery, "The query is not possible"},
		"a collector that is away": {func(r *Request) {
			r.BlockList = func(context.Context) (blocklist.List, error) { return nil, errors.New("away") }
		}, nil, ErrUpstream, "The block list cannot be read"},
	} {
		r := blockListRequest()
		tt.change(&r)
		if _, err := Run(t.Context(), Confine(noSums{}, tt.fixed), r); !errors.Is(err, tt.kind) || ShortOf(err) != tt.short {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCommandsAreOneWord lets a shell read the commands that people are shown, of names that viewers choose.
func TestCommandsAreOneWord(t *testing.T) {
	r := Request{Organization: "acme"}
	for _, user := range []string{"alice", "o'neil", `"; touch x #`, "$(id)", "`id`", `a\`, `'\''`, "a b*", "-x", "ü€", "!!", "'; exit 1; '"} {
		command := r.blockCommand(blocklist.User, user)
		got, err := exec.CommandContext(t.Context(), "sh", "-c", `streamlens() { for word; do printf '%s\n' "$word"; done; }; `+command).Output()
		want := strings.Join([]string{"block", "add", "--org=acme", "--user=" + user, "--until=" + blockedFor, "--reason=shared access", ""}, "\n")
		if err != nil || string(got) != want {
			t.Errorf("%s is read as %q, %v", command, got, err)
		}
	}
	for address, want := range map[string]string{
		"203.0.113.7": "streamlens block add --org=acme --ip='203.0.113.7' --until=now+7d --reason='shared access'",
		"203.0.113.0": "", "2001:db8::": "", "2001:db8::1": "streamlens block add --org=acme --ip='2001:db8::1' --until=now+7d --reason='shared access'",
		"9f86d081884c7d65": "", "": "",
	} {
		if got := r.blockCommand(blocklist.IP, address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
