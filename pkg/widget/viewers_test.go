package widget

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
)

// TestUniqueViewers compares with brute force, of users and of addresses.
func TestUniqueViewers(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	withUsers := randomRecords(random, 1_500)
	for i := range withUsers {
		if random.IntN(3) > 0 {
			withUsers[i].User = fmt.Sprint("user ", random.IntN(150))
		} else {
			withUsers[i].User = ""
		}
		withUsers[i].Address = fmt.Sprint("192.0.2.", random.IntN(20))
	}
	withAddresses := slices.Clone(withUsers)
	for i := range withAddresses {
		withAddresses[i].User = ""
	}
	users := func(r play.Record) string { return r.User }
	addresses := func(r play.Record) string { return strings.Join([]string{r.Address, r.OS, r.Browser, r.Device}, " ") }
	for _, tt := range []struct {
		name    string
		records []play.Record
		viewer  func(play.Record) string
		words   string
	}{{"users", withUsers, users, asUsers.words}, {"addresses", withAddresses, addresses, asAddresses.words}} {
		t.Run(tt.name, func(t *testing.T) {
			store := readerOfPlays(t, tt.records)
			seen := func(from, to time.Time) (viewers map[string]bool, plays int) {
				viewers = map[string]bool{}
				for _, r := range tt.records {
					if r.Organization == "acme" && r.Direction == "playout" && r.Country == "DE" && r.Start != event.Absent && r.End >= from.UnixMilli() && r.End < to.UnixMilli() && tt.viewer(r) != "" {
						viewers[tt.viewer(r)] = true
						plays++
					}
				}
				return viewers, plays
			}
			check := func(got []string, before, from, to time.Time) {
				t.Helper()
				viewers, plays := seen(from, to)
				earlier, _ := seen(before, from)
				returning := 0
				for v := range viewers {
					if earlier[v] {
						returning++
					}
				}
				if want := []string{fmt.Sprint(len(viewers)), fmt.Sprint(returning), fmt.Sprint(plays)}; !slices.Equal(got, want) || returning == 0 && to.Sub(from) > 15*time.Minute {
					t.Errorf("%s to %s: viewers, returning and plays are %v, want %v", from, to, got, want)
				}
			}
			from, to := playsHour.Add(10*time.Minute), playsHour.Add(40*time.Minute)
			request := playsRequest(store, "uniqueViewers", func(r *Request) { r.From, r.To, r.Country = from, to, []string{"DE"} })
			frames, err := Run(t.Context(), noSums{}, request)
			if err != nil {
				t.Fatal(err)
			}
			check([]string{textsOf(t, frames[0], "viewers")[0], textsOf(t, frames[0], "returning")[0], textsOf(t, frames[0], "plays")[0]}, playsHour.Add(-20*time.Minute), from, to)
			if !strings.Contains(frames[0].Meta.Notices[0].Text, tt.words) {
				t.Errorf("notices %v", frames[0].Meta.Notices)
			}
			request.Form, request.Interval = FormSeries, "15m"
			if frames, err = Run(t.Context(), noSums{}, request); err != nil {
				t.Fatal(err)
			}
			edges := []time.Time{playsHour, playsHour.Add(15 * time.Minute), playsHour.Add(30 * time.Minute), playsHour.Add(45 * time.Minute)}
			for i := range 3 {
				check([]string{textsOf(t, frames[0], "viewers")[i], textsOf(t, frames[0], "returning")[i], textsOf(t, frames[0], "plays")[i]},
					edges[i].Add(-15*time.Minute), later(edges[i], from), earlier(edges[i+1], to))
			}
			request.Form, request.Interval, request.Alert = FormTotal, "", true
			if frames, err = Run(t.Context(), noSums{}, request); err != nil || len(frames[0].Fields) != 1 || frames[0].Fields[0].Name != "viewers" {
				t.Errorf("of an alert rule: %v, %v", frames, err)
			}
		})
	}
}

// TestWhoViewersAre holds that no notice says what plays lack where there are none.
func TestWhoViewersAre(t *testing.T) {
	nameless := randomRecords(rand.New(rand.NewPCG(15, 16)), 200)
	for i := range nameless {
		nameless[i].User, nameless[i].Address = "", ""
	}
	store := readerOfPlays(t, nameless)
	for country, want := range map[string]bool{nameless[0].Country: true, "AQ": false} {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "uniqueViewers", func(r *Request) { r.Country = []string{country} }))
		if err != nil {
			t.Fatal(err)
		}
		notices := fmt.Sprint(frames[0].Meta.Notices)
		if strings.Contains(notices, asSessions.words) != want || !strings.Contains(notices, ofRecordsNotice) {
			t.Errorf("%s: %s", country, notices)
		}
	}
}

func TestSharedAccess(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	records := randomRecords(random, 1_200)
	for i := range records {
		records[i].User, records[i].Address = fmt.Sprintf(`user "%d"`, random.IntN(60)), fmt.Sprint("192.0.2.", random.IntN(20))
	}
	store := readerOfPlays(t, records)
	for by, of := range map[string]func(play.Record) (name, other string){
		"user": func(r play.Record) (string, string) { return r.User, r.Address },
		"ip":   func(r play.Record) (string, string) { return r.Address, r.User },
	} {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "sharedAccess", func(r *Request) { r.Breakdown = by }))
		if err != nil {
			t.Fatal(err)
		}
		names := textsOf(t, frames[0], by)
		for i, name := range names {
			others, countries := map[string]bool{}, map[string]bool{}
			plays := among(records, func(r play.Record) bool { n, _ := of(r); return n == name })
			most, playing := 0, int64(0)
			for _, p := range plays {
				_, other := of(p)
				others[other], countries[p.Country] = true, true
				playing += p.Playing
				// The greatest number is reached where a play begins.
				at, here := max(p.Begin, p.Start), 0
				for _, q := range plays {
					if from := max(q.Begin, q.Start); from <= at && at < max(q.End, from+1) {
						here++
					}
				}
				most = max(most, here)
			}
			got := []string{}
			for _, f := range frames[0].Fields[1 : len(frames[0].Fields)-1] {
				got = append(got, fmt.Sprint(f.At(i)))
			}
			want := []string{fmt.Sprint(most), fmt.Sprint(len(others)), fmt.Sprint(len(countries)), fmt.Sprint(len(plays)), fmt.Sprint(float64(playing) / 1000)}
			if !slices.Equal(got, want) || len(plays) == 0 {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		if len(names) < 20 {
			t.Errorf("%d rows by %s", len(names), by)
		}
	}
	var alone []play.Record
	for i, r := range records[:20] { // one after the other, of one user at one address
		r.Organization, r.Direction, r.User, r.Address, r.Country = "acme", measure.Playout, "alone", "192.0.2.1", "DE"
		r.Begin, r.Start = playsHour.Add(time.Duration(i)*time.Minute).UnixMilli(), event.Absent
		r.End = r.Begin + 60_000
		alone = append(alone, r)
	}
	frames, err := Run(t.Context(), noSums{}, playsRequest(readerOfPlays(t, alone), "sharedAccess", nil))
	if err != nil || frames[0].Rows() != 0 || frames[0].Meta.Custom.(map[string]any)[CustomNothing] != "No access is shared" {
		t.Errorf("plays one after the other: %d rows, %v, %v", frames[0].Rows(), frames[0].Meta, err)
	}
	if _, err := Run(t.Context(), noSums{}, playsRequest(store, "sharedAccess", func(r *Request) { r.Breakdown = "country" })); err == nil {
		t.Error("a breakdown by country is taken")
	}
}

// TestPlaysAtOnceIsBounded holds that nothing is asked where it would take minutes.
func TestPlaysAtOnceIsBounded(t *testing.T) {
	rows := []vl.Row{{"user": "a", "plays": "30000"}, {"user": "b", "plays": "20001"}}
	_, err := playsAtOnceOf(t.Context(), nil, vl.Question{}, play.User, rows)
	if !errors.Is(err, ErrBadQuery) || !strings.Contains(err.Error(), "50001 in the range") {
		t.Errorf("the answer is %v", err)
	}
}
