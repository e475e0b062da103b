package mediaserver

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Hook is what a server posts when something happens to a connection.
type Hook struct {
	Action Action
	// Run is how Start of the snapshots of the server's run begins, "" if the hook does not say.
	Run string
	// Connection is the one that it happened to. When it is closed, only ID and counters matter.
	Connection Connection
	At         time.Time // of receipt
	// Poll asks for a poll, because the hook tells less than a poll.
	Poll bool
}

// Action is what happened.
type Action uint8

// The actions.
const (
	Other  Action = iota // nothing that counts
	Opened               // a connection began to send or to play
	Closed               // it has ended, and its counters are final
	Ended                // it ends; what it did last is in the next snapshot or nowhere
)

// HookAnswer is what a server must be answered, so that it lets the connection in.
type HookAnswer struct {
	Header map[string]string
	Body   string
}

// HookRequest is what a server posts.
type HookRequest struct {
	Header http.Header
	Query  url.Values // of the URL that the server was told to post to
	Body   []byte
}

// hooked takes the hooks of a server.
type hooked interface {
	// hook decodes a request, of which one can have several hooks.
	hook(r HookRequest) ([]Hook, HookAnswer, error)
}

// signed verifies the hooks of a server that signs them.
type signed interface {
	// verify returns what is wrong with the signature of a request, nil if it is of who knows the configured secret.
	verify(c Config, r HookRequest) error
}

// ErrSignature is the error of a hook that is not signed with the configured secret.
var ErrSignature = errors.New("the hook is not signed as configured")

// of reports whether the hook comes from the run of a server that a snapshot's Start names.
func (h *Hook) of(start string) bool { return strings.HasPrefix(start, h.Run) }
