package tenancy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/test/oracle"
)

// organization is one of the two, and who speaks for it.
type organization struct {
	id, secretKey, account, accountKey string
	network                            string // of its viewers
	mark                               string // in all of its texts
	sessions                           int    // of players, and as many of webcasters
	bytes                              int64  // of its smallest line of usage
	seconds                            float64
	code                               any // of its players' status events
	streams                            []string
}

// Both have the stream, the tag and the event of these names. An attack may name them.
const (
	sharedStream = "shared"
	sharedTag    = "both"
	sharedEvent  = "final"
)

var (
	acme = organization{"acme", "sk_acme_0123456789", "acme-web", "pk_acme", "81.2.0.", "acme", 4, 7, 0.5, 3001,
		[]string{sharedStream, "stream-acme", "only-acme"}}
	// victim has so much of everything that none of its numbers could be one of acme's.
	victim = organization{"victim", "sk_victim_9876543210", "victim-web", "pk_victim", victimNetwork, marker, 1100, prime, 1500, json.Number(victimCode),
		// One that is shared, one whose name nobody else knows, and one whose name can be guessed.
		[]string{sharedStream, "stream-" + marker, "only-victim"}}
)

// configured returns the organisations as the collector's configuration has them.
func configured(organizations []organization) []oracle.Organization {
	var all []oracle.Organization
	for _, o := range organizations {
		if slices.ContainsFunc(all, func(other oracle.Organization) bool { return other.ID == o.id }) {
			continue // a part of the same
		}
		all = append(all, oracle.Organization{ID: o.id, Level: "premium", SecretKey: o.secretKey, Privacy: oracle.Privacy{IP: "full"},
			Accounts: []oracle.Account{{ID: o.account, Key: o.accountKey}}})
	}
	return all
}

// begin is when all that happened began: in the half hour before the test.
func begin(now time.Time) time.Time { return now.Add(-20 * time.Minute).Truncate(time.Minute) }

// fill sends what the organisations have to the collector.
func fill(ctx context.Context, collector string, now time.Time, organizations []organization) error {
	for _, o := range organizations {
		if err := o.sendUsage(ctx, collector, now); err != nil {
			return err
		}
		if err := o.sendSessions(ctx, collector, now); err != nil {
			return err
		}
		for i, tags := range [][]string{{sharedTag, "tag-" + o.mark}, {"tag-" + o.mark}, {sharedTag}} {
			stream := o.streams[i]
			body, err := json.Marshal(map[string][]string{"tags": tags})
			if err != nil {
				return err
			}
			status, answer, err := request(ctx, http.MethodPut, collector+"/v1/streams/"+stream+"/tags", body, "Authorization", "Bearer "+o.secretKey)
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("tags of %s: status %d, %s, %w", o.id, status, answer, err)
			}
		}
	}
	return nil
}

func (o organization) sendUsage(ctx context.Context, collector string, now time.Time) error {
	var lines bytes.Buffer
	n := int64(0)
	for _, stream := range o.streams {
		for _, direction := range []string{"playout", "ingest"} {
			for _, protocol := range []string{"hls", "proto-" + o.mark} {
				n++
				fmt.Fprintf(&lines, `{"ts":%d,"stream":%q,"direction":%q,"protocol":%q,"bytes":%d,"ip":"%s%d","referrer":"https://%s.example/watch"}`+"\n",
					begin(now).Add(time.Duration(n)*time.Minute).UnixMilli(), stream, direction, protocol, n*o.bytes, o.network, n, o.mark)
			}
		}
	}
	status, answer, err := request(ctx, http.MethodPost, collector+"/v1/usage", lines.Bytes(), "Authorization", "Bearer "+o.secretKey)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("usage of %s: status %d, %s, %w", o.id, status, answer, err)
	}
	return nil
}

// sendSessions sends plays and broadcasts, all of which are over.
func (o organization) sendSessions(ctx context.Context, collector string, now time.Time) error {
	const together = 8
	errs := make(chan error, together)
	var senders sync.WaitGroup
	for sender := range together {
		senders.Go(func() {
			for i := sender; i < o.sessions; i += together {
				for _, kind := range []string{"h5live", "webcaster"} {
					if err := o.sendSession(ctx, collector, now, kind, i); err != nil {
						errs <- err
						return
					}
				}
			}
		})
	}
	senders.Wait()
	close(errs)
	return <-errs
}

func (o organization) sendSession(ctx context.Context, collector string, now time.Time, kind string, i int) error {
	// All start in one minute, so that a series shows how many they are.
	at := begin(now).Add(time.Duration(i%40) * time.Second).UnixMilli()
	rare := 0 // so that acme has less of it an hour than most, also at one address
	if i%4 == 0 {
		rare = o.sessions / 4
	}
	body, err := json.Marshal(map[string]any{
		"accountId": o.account, "accountKey": o.accountKey, "client": map[string]string{"kind": kind, "version": "v-" + o.mark},
		"sessionId": fmt.Sprintf("%s-%s-%d", kind, o.mark, i), "stream": o.streams[0], "eventId": []string{sharedEvent, "event-" + o.mark}[i%2],
		"referrer": "https://" + o.mark + ".example/watch", "protocol": "proto-" + o.mark, "userId": "user-" + o.mark,
		"events": []map[string]any{
			{"seq": 1, "ts": at, "type": "load"},
			{"seq": 2, "ts": at + 1000, "type": "start", "startTime": o.seconds},
			{"seq": 3, "ts": at + 11_000, "type": "stats", "playing": 8, "buffering": 1, "bufferLength": o.seconds, "latency": o.seconds,
				"videoBitrate": 2 * o.seconds, "audioBitrate": o.seconds, "height": 720, "stalls": rare,
				"frames": 2 * o.seconds, "droppedFrames": o.seconds, "switches": map[string]any{"up": rare}},
			{"seq": 4, "ts": at + 12_000, "type": "status", "code": o.code, "fatal": true},
			{"seq": 5, "ts": at + 13_000, "type": "stop", "reason": "reason-" + o.mark, "played": o.seconds},
		},
	})
	if err != nil {
		return err
	}
	for {
		status, answer, err := request(ctx, http.MethodPost, collector+"/v1/events", body, "Content-Type", "application/json",
			"X-Forwarded-For", fmt.Sprintf("%s%d", o.network, 1+i%250))
		switch {
		case err != nil:
			return err
		case status == http.StatusAccepted:
			return nil
		case status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
			return fmt.Errorf("events of %s: status %d, %s", o.id, status, answer)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// request sends a request and returns the answer's status, and its body with its headers.
func request(ctx context.Context, method, url string, body []byte, headers ...string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", fmt.Errorf("request: %w", err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", fmt.Errorf("request: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("request: %w", err)
	}
	var text strings.Builder
	text.Write(answer)
	for name, values := range response.Header {
		fmt.Fprintf(&text, "\n%s: %s", name, strings.Join(values, ","))
	}
	return response.StatusCode, text.String(), nil
}
