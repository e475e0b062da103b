package simulate

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// Viewers whose players report nothing. They are in the log of a web server with every segment that they fetch.
const (
	silentStream = "lobby-screens"
	// silentHistory is how far back their log goes.
	silentHistory = 24 * time.Hour
	// segment is the length of a segment, and so the time between two requests of a viewer.
	segment      = 10 * time.Second
	segmentBytes = 3_100_000
	// Each hour has viewers of its own, who begin in it and stay for a third to two thirds of an hour.
	visits = 2 // for each viewer at a time: a visit is half an hour in the mean
	// logBatch is how many lines go into one request.
	logBatch = 5000
)

// logLine is a line of an access log with its time.
type logLine struct {
	at   time.Time
	text string
}

// log sends the lines of the silent viewers from one time to another.
func (w *world) log(ctx context.Context, c *client, from, to time.Time) error {
	if w.options.SilentViewers == 0 || w.options.SecretKey == "" {
		return nil
	}
	for batch := range slices.Chunk(w.silentLines(from, to), logBatch) {
		accepted, err := c.post(ctx, func(r *fasthttp.Request, body []byte) []byte {
			r.SetRequestURI(c.url + "/v1/logs?format=nginx-combined")
			r.Header.SetContentType("text/plain")
			r.Header.Set("Authorization", "Bearer "+c.secretKey)
			for _, line := range batch {
				body = append(body, line.text...)
			}
			return body
		}, func(time.Duration) {})
		c.lines.Add(accepted)
		if err != nil {
			return err
		}
	}
	return nil
}

// silentLines are the requests from ≤ time < to in their order.
func (w *world) silentLines(from, to time.Time) []logLine {
	var lines []logLine
	for hour := from.Truncate(time.Hour).Add(-time.Hour); hour.Before(to); hour = hour.Add(time.Hour) {
		for i := range visits * w.options.SilentViewers {
			r := rand.New(w.source(silent, uint64(hour.Unix())<<16+uint64(i)))
			address := w.networks.address(r, places[w.byPlace.draw(r)].country)
			agent := &agents[w.byAgent.draw(r)]
			at := hour.Add(time.Duration(r.Int64N(int64(time.Hour))))
			end := at.Add(time.Hour/3 + time.Duration(r.Int64N(int64(time.Hour/3))))
			for number := at.Unix() / int64(segment.Seconds()); at.Before(end); number, at = number+1, at.Add(segment) {
				if at.Before(from) || !at.Before(to) {
					continue
				}
				lines = append(lines, logLine{at, fmt.Sprintf("%s - - [%s] \"GET /%s/segment-%d.ts HTTP/1.1\" 200 %d \"-\" \"%s\"\n",
					address, at.UTC().Format("02/Jan/2006:15:04:05 -0700"), silentStream, number, segmentBytes, agent.userAgent)})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.text, b.text)) })
	return lines
}
