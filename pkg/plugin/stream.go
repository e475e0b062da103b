package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/widget"
)

const (
	// pollEvery is how long after an answer a stream asks again. Collectors send every 5 s what has changed.
	pollEvery = 5 * time.Second
	// maxPollEvery is the same while VictoriaMetrics does not answer: the time doubles up to it.
	maxPollEvery = 20 * time.Second
	// parallelPolls is how many streams of a data source ask at a time, so that many streams are slow instead of a burden.
	parallelPolls = 4
	// maxLiveRange is the longest range that is asked for again and again.
	maxLiveRange = 6 * time.Hour
	// maxQuestion is how long a question may be as JSON, in bytes. Grafana takes messages of 64 KB.
	maxQuestion = 16 << 10
)

// streamPath begins the path of every stream; the hash of its question follows.
const streamPath = "live/"

// errReplaced ends the streams of an instance whose settings have changed; Grafana starts them again with the new one.
var errReplaced = errors.New("the data source has changed")

// question is what a stream asks again and again. It says nothing of who asks: that is the organisation of the data source to which
// the channel belongs.
type question struct {
	Query   widget.Query `json:"query"`
	Minutes int          `json:"minutes"` // length of the range, which ends now
}

// newQuestion returns the question of all queries that mean the same: the length in whole minutes, for the ends of a panel's range are
// some milliseconds off, the values of filters in order, without the name that the query has in its panel.
func newQuestion(q widget.Query, length time.Duration) question {
	q.RefID = ""
	for _, values := range []*[]string{&q.Country, &q.Tag, &q.Stream, &q.Event, &q.Referrer} {
		sorted := slices.Clone(*values)
		slices.Sort(sorted)
		*values = slices.Compact(sorted)
	}
	return question{Query: q, Minutes: max(1, int(length.Round(time.Minute)/time.Minute))}
}

// length returns the length of the range.
func (q question) length() time.Duration { return time.Duration(q.Minutes) * time.Minute }

// subscription is what the front end needs to follow a query: it subscribes to the path in the data source's part of Grafana Live, and
// sends the question along.
//
// A path has room for 100 characters, which filters exceed. So it is the question's hash: whoever is on a channel has asked for what
// it carries, and any Grafana server can serve it, also after a restart, without having been told before.
type subscription struct {
	Path     string   `json:"path"`
	Question question `json:"data"`
}

// newSubscription returns how to follow a question, or why that is impossible, in words.
func newSubscription(q question) (subscription, error) {
	text, err := json.Marshal(q)
	switch {
	case err != nil:
		return subscription{}, fmt.Errorf("question of a stream: %w", err)
	case q.length() > maxLiveRange:
		return subscription{}, fmt.Errorf("ranges of up to %d hours can", maxLiveRange/time.Hour)
	case len(text) > maxQuestion:
		return subscription{}, fmt.Errorf("its filters are too long, with more than %d bytes", maxQuestion)
	}
	hash := sha256.Sum256(text)
	return subscription{streamPath + base64.RawURLEncoding.EncodeToString(hash[:]), q}, nil
}

// readQuestion returns the question that was sent along with a path, unless the path is that of another.
func readQuestion(path string, sent json.RawMessage) (question, error) {
	if len(sent) > 2*maxQuestion {
		return question{}, fmt.Errorf("the question has %d bytes", len(sent))
	}
	var q question
	if err := json.Unmarshal(sent, &q); err != nil {
		return question{}, fmt.Errorf("the question cannot be read: %w", err)
	}
	if q.Minutes < 1 || q.Minutes > int(maxLiveRange/time.Minute) {
		return question{}, fmt.Errorf("a range of %d minutes", q.Minutes)
	}
	s, err := newSubscription(newQuestion(q.Query, q.length()))
	if err != nil {
		return question{}, err
	}
	if s.Path != path {
		return question{}, errors.New("the path is that of another question")
	}
	return s.Question, nil
}

// offer adds to the answer to a query how the front end can follow it, or, for the user, why that is impossible.
func offer(response *backend.DataResponse, request widget.Request) {
	switch response.Status {
	case backend.StatusBadRequest, backend.StatusForbidden:
		return
	}
	// Of an error too: VictoriaMetrics may come back.
	frame := response.Frames[0]
	s, err := newSubscription(newQuestion(request.Query, request.To.Sub(request.From)))
	if err != nil {
		frame.AppendNotices(data.Notice{Severity: data.NoticeSeverityInfo, Text: "Does not update by itself: " + err.Error() + "."})
		return
	}
	custom, ok := frame.Meta.Custom.(map[string]any)
	if !ok {
		custom = map[string]any{}
	}
	custom["live"] = s
	frame.Meta.Custom = custom
}

// SubscribeStream lets those onto a channel who send along what it carries, and whom the same query would be answered, and gives them
// the answer. That is asked anew, but not more often than once a second however many come.
func (d *Datasource) SubscribeStream(ctx context.Context, req *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	q, err := readQuestion(req.Path, req.Data)
	if err != nil {
		backend.Logger.FromContext(ctx).Warn("Live channel refused", "error", err)
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	response := d.poll(ctx, q)
	switch response.Status {
	case backend.StatusBadRequest:
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	case backend.StatusForbidden:
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusPermissionDenied}, nil
	}
	// When VictoriaMetrics is away, the stream says so, and goes on.
	message, err := newMessage(response)
	if err != nil {
		return nil, err
	}
	initial, err := backend.NewInitialData(message)
	if err != nil {
		return nil, fmt.Errorf("first message of a stream: %w", err)
	}
	return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusOK, InitialData: initial}, nil
}

// PublishStream refuses: nothing is written by way of Grafana.
func (d *Datasource) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// RunStream asks the question of a channel again and again, and sends every answer to all who are on it. Grafana calls it when the
// first one comes, and ends ctx some seconds after the last one has gone.
//
// Errors are sent too, and the stream goes on: VictoriaMetrics comes back, and a level can be raised.
func (d *Datasource) RunStream(ctx context.Context, req *backend.RunStreamRequest, sender *backend.StreamSender) error {
	q, err := readQuestion(req.Path, req.Data)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(d.inUse, func() { end(errReplaced) })()

	log := backend.Logger.FromContext(ctx).With("organization", d.settings.Organization, "widget", q.Query.QueryType)
	wait, failing := d.pollEvery, false
	for {
		response := d.poll(ctx, q)
		if ctx.Err() != nil {
			return ended(ctx)
		}
		switch {
		case response.Error == nil && failing:
			log.Info("Live stream answers again")
		case response.Error != nil && !failing:
			log.Warn("Live stream has no answer", "error", response.Error)
		}
		if failing = response.Error != nil; failing {
			wait = min(2*wait, maxPollEvery)
		} else {
			wait = d.pollEvery
		}
		message, err := newMessage(response)
		if err != nil {
			return err
		}
		if err := sender.SendBytes(message); err != nil {
			return fmt.Errorf("send to a live channel: %w", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// ended returns nothing when Grafana has ended the stream, which it takes as the end, and else why it shall be started again.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errReplaced) {
		return cause
	}
	return nil
}

// poll answers the question for the range that ends now.
func (d *Datasource) poll(ctx context.Context, q question) backend.DataResponse {
	select {
	case d.polls <- struct{}{}:
		defer func() { <-d.polls }()
	case <-ctx.Done():
		return upstreamFailed(ctx.Err())
	}
	now := d.now()
	return d.answer(ctx, widget.Request{Query: q.Query, From: now.Add(-q.length()), To: now})
}

// newMessage returns what is sent to those on a channel: the frame in Grafana's JSON form, or {"error": "…", "nothing": "…"} with
// the reason in full and in a few words.
func newMessage(response backend.DataResponse) (json.RawMessage, error) {
	if response.Error != nil {
		message, err := json.Marshal(map[string]string{"error": response.Error.Error(), widget.CustomNothing: widget.ShortOf(response.Error)})
		if err != nil {
			return nil, fmt.Errorf("message of a stream: %w", err)
		}
		return message, nil
	}
	frame := response.Frames[0]
	// What the query inspector shows is as long as the answer.
	frame.Meta.ExecutedQueryString, frame.Meta.Stats = "", nil
	message, err := data.FrameToJSON(frame, data.IncludeAll)
	if err != nil {
		return nil, fmt.Errorf("message of a stream: %w", err)
	}
	return message, nil
}
