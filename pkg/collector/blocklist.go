package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/address"
	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// blockListPath begins the paths of block lists.
const blockListPath = "/v1/blocklist"

// maxCheckBody bounds what media servers post to ask about a viewer, in bytes.
const maxCheckBody = 64 << 10

// blockListReader returns the server that reads a block list, by its token in the header or, of media servers that can be told nothing but a URL,
// in the query.
func (s *Server) blockListReader(r *http.Request) (reader tenant.Reader, token string, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = r.URL.Query().Get("token")
	}
	if reader, err = s.reader(r, token, s.Directory.ByBlockListToken); err == nil {
		s.metrics.read(reader.Organization.ID, reader.Name)
	}
	return reader, token, err
}

// getBlockList answers with the block list in one of its forms. Who has the one of now is told so.
func (s *Server) getBlockList(w http.ResponseWriter, r *http.Request) error {
	reader, token, err := s.blockListReader(r)
	if err != nil {
		return err
	}
	if err := s.keyRates.take(time.Now(), sha256.Sum256([]byte(token))); err != nil {
		return err
	}
	list, err := s.BlockLists.Active(reader.Organization.ID, s.Clock())
	if err != nil {
		return err
	}
	mediaType := "text/plain; charset=utf-8"
	var body []byte
	switch form := r.PathValue("form"); form {
	case "list.json":
		mediaType = "application/json"
		body, err = list.JSON(reader.Organization.ID)
	case "networks.txt":
		body, err = list.CIDR()
	case "networks.nginx":
		body, err = list.NginxGeo()
	case "users.nginx":
		body = list.NginxMap(blocklist.User)
	case "referrers.nginx":
		body = list.NginxMap(blocklist.Referrer)
	default:
		return &refusal{http.StatusNotFound, event.Refusal{Reason: "not_found",
			Error: "the block list is list.json, networks.txt, networks.nginx, users.nginx or referrers.nginx"}, 0}
	}
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	head := w.Header()
	head.Set("Content-Type", mediaType)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "private, no-cache")
	head.Set("ETag", `"`+hex.EncodeToString(hash[:16])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

// viewerQuestion is what media servers ask about a viewer: MediaMTX's HTTP authentication, the hook on_play of SRS, and whoever asks like them.
type viewerQuestion struct {
	Action string `json:"action"`
	IP     string `json:"ip"`
	User   string `json:"user"`
	// Query is the query of the URL that is played, Param that of SRS, which begins with a question mark. The user is in it as user if
	// User is not known.
	Query    string `json:"query"`
	Param    string `json:"param"`
	Referrer string `json:"referrer"` // a URL
	PageURL  string `json:"pageUrl"`  // that of SRS
}

// playing are the actions that the block list answers: of MediaMTX, of SRS, and none.
var playing = map[string]bool{"": true, "read": true, "playback": true, "on_play": true}

// viewer returns of whom a question is. Its error is a refusal: an address that cannot be read would never be on the list.
func (q viewerQuestion) viewer() (blocklist.Viewer, error) {
	v := blocklist.Viewer{User: q.User, Referrer: enrich.Host(q.Referrer)}
	if q.IP != "" {
		var ok bool
		if v.Address, ok = address.Parse(q.IP); !ok {
			return v, &refusal{http.StatusBadRequest, event.Refusal{Reason: "address", Field: "ip",
				Error: "ip must be an address, which may have a port, such as 203.0.113.7 or [2001:db8::7]:443"}, 0}
		}
	}
	if q.PageURL != "" {
		v.Referrer = enrich.Host(q.PageURL)
	}
	for _, query := range []string{q.Query, strings.TrimPrefix(q.Param, "?")} {
		// What cannot be read of a query is not the user's id.
		values, _ := url.ParseQuery(query)
		if v.User == "" {
			v.User = values.Get("user")
		}
	}
	return v, nil
}

// checkViewer answers whether a viewer may watch: 200 and 0, which is yes to MediaMTX and SRS, or 403.
func (s *Server) checkViewer(w http.ResponseWriter, r *http.Request) error {
	reader, _, err := s.blockListReader(r)
	if err != nil {
		return err
	}
	body, done, err := s.serverBodies.read(r, maxCheckBody)
	if err != nil {
		return err
	}
	defer done()
	var question viewerQuestion
	if err := json.Unmarshal(body, &question); err != nil {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "malformed", Error: `the body must be like {"ip": "203.0.113.7", "user": "alice"}`}, 0}
	}
	if !playing[question.Action] {
		return &refusal{http.StatusForbidden, event.Refusal{Reason: "action", Field: "action",
			Error: "the block list says who may play, and nothing else"}, 0}
	}
	viewer, err := question.viewer()
	if err != nil {
		return err
	}
	blocked, err := s.BlockLists.Blocks(reader.Organization.ID, viewer, s.Clock())
	if err != nil {
		return err
	}
	if blocked {
		return &refusal{http.StatusForbidden, event.Refusal{Reason: "blocked", Error: "the viewer is on the block list"}, 0}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	// An error here means that the server is gone; nobody is left to tell.
	_, _ = io.WriteString(w, "0")
	return nil
}
