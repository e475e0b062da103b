package collector

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// maxTagsBody bounds the body of a request that sets tags, in bytes.
const maxTagsBody = 64 << 10

// tagList is the body of requests and answers about the tags of a stream.
type tagList struct {
	Tags []string `json:"tags"`
}

func (s *Server) getTags(w http.ResponseWriter, r *http.Request) error {
	return s.tags(w, r, s.Tags.Get)
}

func (s *Server) deleteTags(w http.ResponseWriter, r *http.Request) error {
	return s.tags(w, r, func(ctx context.Context, organization, stream string) ([]string, error) {
		return s.Tags.Set(ctx, organization, stream, nil)
	})
}

func (s *Server) putTags(w http.ResponseWriter, r *http.Request) error {
	return s.tags(w, r, func(ctx context.Context, organization, stream string) ([]string, error) {
		body, done, err := s.serverBodies.read(r, maxTagsBody, "application/json", "text/plain", curlType)
		if err != nil {
			return nil, err
		}
		defer done()
		var list tagList
		if err := json.Unmarshal(body, &list); err != nil || list.Tags == nil {
			return nil, &refusal{http.StatusBadRequest, event.Refusal{Reason: "malformed", Field: "tags",
				Error: `the body must be {"tags": ["a", "b"]}`}, 0}
		}
		return s.Tags.Set(ctx, organization, stream, list.Tags)
	})
}

// tags answers with the tags that do returns.
func (s *Server) tags(w http.ResponseWriter, r *http.Request,
	do func(ctx context.Context, organization, stream string) ([]string, error),
) error {
	organization, err := s.bySecretKey(r)
	if err != nil {
		return err
	}
	stream := r.PathValue("stream")
	if !event.ValidText(stream, event.MaxNameBytes) {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "text", Field: "stream",
			Error: "the stream's name is too long or no text"}, 0}
	}
	tags, err := do(r.Context(), organization.ID, stream)
	if err != nil {
		return err
	}
	if tags == nil {
		tags = []string{}
	}
	answer(w, http.StatusOK, tagList{tags})
	return nil
}

// Reader returns a client that reads one organisation's data.
func Reader(c config.Config, organization string) (*vm.Client, error) {
	transport, err := tenant.NewTransport(c.VictoriaMetrics.URL, organization, http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	return vm.NewClient(c.VictoriaMetrics.URL, &http.Client{Transport: transport})
}

// newTagStore returns the store of the VictoriaMetrics of the configuration of the moment; see tag.NewStore.
func newTagStore(now func() config.Config, client *http.Client, keep func([]byte) error) *tag.Store {
	return tag.NewStore(func() string { return now().VictoriaMetrics.WritesTo() }, client, func(organization string) (*vm.Client, error) {
		return Reader(now(), organization)
	}, keep, time.Now)
}
