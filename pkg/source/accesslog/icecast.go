package accesslog

import (
	"path"
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
)

// icecastDecoder decodes the access log of Icecast: the format combined, and the seconds for which the connection lasted. The line is
// written when a listener leaves, so that its time is the end.
type icecastDecoder struct{ Decoder }

func icecast(f Format) (Decoder, error) {
	f.Template = `$address - $user [$time] "$request" $status $bytes "$referrer" "$user_agent" $number`
	d, err := newTemplate(f, nginxSyntax, lineRules{})
	if err != nil {
		return nil, err
	}
	return &icecastDecoder{d}, nil
}

// Decode implements Decoder. The path is that of a mount, which is the stream as it is polled, too.
func (d *icecastDecoder) Decode(line []byte, r *Request) (bool, error) {
	told, err := d.Decoder.Decode(line, r)
	if err != nil || !told {
		return told, err
	}
	if name := strings.Trim(r.Path, "/"); isMount(name) {
		r.Stream, r.Polled, r.Protocol = name, name, "icecast"
	}
	return true, nil
}

// isMount reports whether a path is that of a mount: what Icecast itself has are its admin interface, pages and playlists.
func isMount(name string) bool {
	if name == "" || strings.HasPrefix(name, "admin/") || !event.ValidText(name, event.MaxNameBytes) {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".xsl", ".html", ".css", ".js", ".json", ".xml", ".txt", ".ico", ".png", ".jpg", ".gif", ".svg", ".m3u", ".xspf", ".vclt", ".pls":
		return false
	}
	return true
}
