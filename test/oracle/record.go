package oracle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// record is what must be kept of a play or broadcast that has ended. Times are
// ms since 1970 or ms, absent ones nil.
type record struct {
	*place
	session                    string
	ingest                     bool
	begin, end                 int64
	start, startTime, played   *int64
	playing, buffering, paused int64
	stall, longest             int64 // of buffering in reports without a break
	weighted, weight           int64 // bitrate × time of playing, and that time
	latencies, trips, losses   []int64
	height, stalls, dropped    *int64
	errors                     int64
	fatal                      bool // a code was
	code, stop                 string
	codeAt                     int64 // of code
	outcome, quality           string
	entries                    []entry
	moments                    []happened
	// disordered ones had events that overtook each other, so that what came
	// last is not what happened last.
	disordered bool
	// either ones came as one of several that may be kept.
	either bool
}

// entry is what one report says.
type entry struct {
	end, playing, buffering, paused        int64
	bitrate, height, latency, bufferLength *int64
}

// happened is what the list of what happened when says.
type happened struct {
	at   int64
	text string
}

// settles is within what time after its end a play may still be told about: it
// is looked for ended ones every second.
const settles = 15 * time.Second

// Records are, of each play and broadcast, the records of which one must be
// kept: events that come right after the end may be in it or not.
func (b *Book) Records() [][]record {
	var all [][]record
	for key, s := range b.sessions {
		if s.started == nil { // else another collector keeps it
			all = append(all, candidates(s.receipts, s.record, func(r *record) {
				r.session, r.place, r.ingest = key.id, &s.place, s.webcaster
			}))
		}
	}
	for key, p := range b.players {
		for _, play := range p.plays {
			of := func(receipt int) (record, bool) { return p.record(play, receipt) }
			at := p.place
			at.cdn = play.cdn
			all = append(all, candidates(p.receipts, of, func(r *record) { r.session, r.place = key.id, &at }))
		}
	}
	return all
}

// candidates are the records of a session, by what had come until a receipt.
// Of says also whether nothing more was waited for then.
func candidates(receipts []time.Time, of func(receipt int) (record, bool), name func(*record)) []record {
	var all []record
	over := time.Time{}
	for i, at := range receipts {
		r, ended := of(i)
		if !over.IsZero() && at.Sub(over) > settles {
			break
		}
		if ended && over.IsZero() {
			over = at
		}
		if last := i == len(receipts)-1; !over.IsZero() || last {
			name(&r)
			all = append(all, r)
		}
	}
	return all
}

// note adds what a report says.
func (r *record) note(e entry) {
	r.entries = append(r.entries, e)
	r.playing, r.buffering, r.paused = r.playing+e.playing, r.buffering+e.buffering, r.paused+e.paused
	switch {
	case e.buffering == 0:
		r.stall = 0
	case e.playing == 0:
		r.stall += e.buffering
		r.longest = max(r.longest, r.stall)
	default:
		r.longest = max(r.longest, r.stall+e.buffering)
		r.stall = e.buffering
	}
	if e.bitrate != nil {
		r.weighted, r.weight = r.weighted+*e.bitrate*e.playing, r.weight+e.playing
	}
	if e.latency != nil {
		r.latencies = append(r.latencies, *e.latency)
	}
	if e.height != nil {
		r.height = e.height
	}
}

// tell adds a code.
func (r *record) tell(at int64, code string, fatal bool) {
	r.errors++
	word := "code "
	if fatal {
		word = "fatal code "
	}
	r.moments = append(r.moments, happened{at, word + code})
	if r.errors == 1 || fatal && !r.fatal || fatal == r.fatal && at >= r.codeAt {
		r.code, r.codeAt = code, at
	}
	r.fatal = r.fatal || fatal
}

// load adds the load.
func (r *record) load(at int64) {
	if at > r.begin {
		r.moments = append(r.moments, happened{at, "load"})
	}
	r.begin = min(r.begin, at)
}

func (r *record) starts(at int64, startTime *int64) {
	r.begin, r.start, r.startTime = min(r.begin, at), &at, startTime
}

// settle takes how the attempt went from facts.
func (r *record) settle(facts []Fact) {
	for _, f := range facts {
		switch {
		case f.Measure == Outcome && r.outcome != "playbackfailure":
			r.outcome = f.label
		case f.Measure == Judged && (f.label == "good" || f.label == "fair"):
			r.quality = f.label
		case f.Measure == Judged:
			r.quality = "bad"
		}
	}
}

// all are the moments with the begin, the first frame and the end.
func (r *record) allMoments() []happened {
	all := append(slices.Clone(r.moments), happened{r.begin, "begin"})
	if r.start != nil {
		all = append(all, happened{*r.start, "first frame"})
	}
	end := "end"
	if r.stop != "" {
		end = "stop: " + r.stop
	}
	all = append(all, happened{r.end, end})
	slices.SortFunc(all, func(a, b happened) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text)) })
	return all
}

// record is that of the session by what had come until a receipt, and whether
// the session was over then.
func (s *session) record(receipt int) (record, bool) {
	var arrived []event
	for _, e := range s.arrived {
		if e.receipt <= receipt && !e.late {
			arrived = append(arrived, e)
		}
	}
	bySeq := slices.Clone(arrived)
	slices.SortFunc(bySeq, func(a, b event) int { return cmp.Compare(a.seq, b.seq) })
	r := record{begin: arrived[0].ts, disordered: !slices.IsSortedFunc(arrived, func(a, b event) int { return cmp.Compare(a.seq, b.seq) })}
	r.disordered = r.disordered || bySeq[len(bySeq)-1].seq != int64(len(bySeq)) // some wait for what never comes
	for _, e := range arrived {
		if e.kind == "status" {
			r.tell(e.ts, e.code, e.fatal)
		}
	}
	var load, start, stop *event
	for i := range bySeq {
		switch e := &bySeq[i]; {
		case e.kind == "load" && load == nil:
			load = e
			r.load(e.ts)
		case e.kind == "start" && start == nil:
			start = e
			startTime := e.startTime
			if startTime == nil && load != nil && load.ts <= e.ts {
				startTime = new(e.ts - load.ts)
			}
			r.starts(e.ts, startTime)
		case e.kind == "stop" && start != nil && stop == nil:
			stop = e
		}
	}
	if load != nil && !s.webcaster && (start == nil || load.seq < start.seq) {
		r.settle(s.attempt(bySeq, load, start, stop))
	}
	last := &bySeq[len(bySeq)-1]
	r.end = last.ts
	if start == nil {
		return r, false
	}
	r.stop = "timeout"
	if stop != nil {
		last, r.end, r.stop = stop, stop.ts, stop.reason
	}
	duration, reported, lastReport := r.end-start.ts, int64(0), start.ts
	for i := range bySeq {
		e := &bySeq[i]
		if e.seq <= start.seq || e.kind != "stats" && e.kind != "stop" {
			continue
		}
		if e.seq <= last.seq {
			duration -= orZero(e.paused)
		}
		of := entry{e.ts, orZero(e.playing), orZero(e.buffering), orZero(e.paused), e.videoBitrate, e.height, e.latency, e.bufferLength}
		if e.kind == "stop" { // which has levels for no one
			of.latency, of.bufferLength = nil, nil
		}
		if e.kind == "stop" && !e.carriesReport() {
			if e != stop {
				continue
			}
			if of.playing = e.ts - lastReport; e.played != nil {
				of.playing = min(of.playing, *e.played-reported)
			}
			if of.playing <= 0 {
				continue
			}
		}
		if e.kind == "stats" {
			reported, lastReport = reported+of.playing+of.buffering, e.ts
		}
		r.note(of)
		r.count(e)
	}
	if duration = max(duration, 0); last.played != nil && stop != nil {
		duration = *stop.played
	}
	r.played = &duration
	return r, stop != nil && bySeq[len(bySeq)-1].seq == int64(len(bySeq))
}

// count adds what a report counts.
func (r *record) count(e *event) {
	add := func(sum **int64, n *int64) {
		if n != nil {
			*sum = new(orZero(*sum) + *n)
		}
	}
	add(&r.stalls, e.stalls)
	if e.dropped != nil && e.frames != nil {
		add(&r.dropped, new(min(*e.dropped, *e.frames)))
	} else {
		add(&r.dropped, e.dropped)
	}
	if e.kind == "stats" && e.roundTripTime != nil {
		r.trips = append(r.trips, *e.roundTripTime)
	}
	if e.kind == "stats" && e.packetLoss != nil {
		r.losses = append(r.losses, *e.packetLoss)
	}
}

// record is that of one of the player's plays.
func (p *player) record(of *statePlay, receipt int) (record, bool) {
	here := &statePlay{moments: map[int64]moment{}, highest: of.highest}
	for _, m := range of.logged {
		if m.receipt <= receipt {
			here.logged = append(here.logged, m)
		}
	}
	arrived := int64(0)
	r := record{}
	for _, m := range of.arrived {
		if m.receipt <= receipt && !m.late {
			here.moments[m.seq] = m
			r.disordered = r.disordered || m.seq < arrived
			arrived = max(arrived, m.seq)
		}
	}
	here.highest = arrived
	moments := here.inOrder()
	if len(moments) == 0 {
		return r, false
	}
	reason := "timeout"
	if of.followed {
		reason = "playbackrestart"
	}
	r.begin = of.begin
	facts, ended := p.live(moments, reason, &r)
	r.settle(facts)
	return r, ended && !here.hasGap()
}

// mean is the mean of whole numbers as a whole number.
func mean(numbers []int64) *int64 {
	if len(numbers) == 0 {
		return nil
	}
	sum := int64(0)
	for _, n := range numbers {
		sum += n
	}
	return new(sum / int64(len(numbers)))
}

// stalled is the part of the time played and stalled, in millionths.
func (r *record) stalled() *int64 {
	if r.playing+r.buffering == 0 {
		return nil
	}
	return new(r.buffering * 1_000_000 / (r.playing + r.buffering))
}

func (r *record) bitrate() *int64 {
	if r.weight == 0 {
		return nil
	}
	return new(r.weighted / r.weight)
}

// smoothness is that of rule 42 in thousandths.
func (r *record) smoothness() *int64 {
	if r.ingest || r.start == nil || r.playing+r.buffering == 0 || r.stalls == nil && r.buffering > 0 {
		return nil
	}
	share := float64(r.buffering) / float64(r.playing+r.buffering)
	score := (100/math.Sqrt(1+math.Pow(float64(orZero(r.stalls))/2, 2)) + 100*math.Exp(-10*share)) / 2
	return new(int64(math.Round(score * 1000)))
}

// texts and whole are the columns of the widget plays: texts, and numbers with
// by what they are divided.
func (r *record) texts() map[string]string {
	direction := "playout"
	if r.ingest {
		direction = "ingest"
	}
	return map[string]string{
		"direction": direction, "stream": r.stream, "user": r.user, "country": r.country, "operator": r.operator, "device": r.device, "player": r.version,
		"outcome": r.outcome, "quality": r.quality, "code": r.code, "stop": r.stop, "event": r.event, "region": r.region, "ip": r.ip, "os": r.os,
		"browser": r.browser, "protocol": r.protocol, "cdn": r.cdn, "referrer": r.referrer, "session": r.session,
	}
}

type whole struct {
	n  *int64
	by float64
}

func (r *record) numbers() map[string]whole {
	return map[string]whole{
		"start": {&r.begin, 1}, "end": {&r.end, 1}, "duration": {r.played, 1000}, "startTime": {r.startTime, 1000}, "bufferingRatio": {r.stalled(), 1e6},
		"longestStall": {&r.longest, 1000}, "bitrate": {r.bitrate(), 1}, "latency": {mean(r.latencies), 1000}, "errors": {&r.errors, 1},
		"stalls": {r.stalls, 1}, "height": {r.height, 1}, "droppedFrames": {r.dropped, 1}, "roundTripTime": {mean(r.trips), 1000},
		"packetLoss": {mean(r.losses), 1e6}, "smoothnessScore": {r.smoothness(), 1000},
	}
}

// differences are those from a row of the widget plays. Of disordered records
// what depends on the order is left out.
func (r *record) differences(row map[string]any) error {
	for name, want := range r.texts() {
		if got, ok := row[name].(string); !ok || got != want && !(name == "os" && osFamily(got) == want) {
			return fmt.Errorf("%s is %v, want %q", name, row[name], want)
		}
	}
	numbers := r.numbers()
	for name, want := range numbers {
		if r.disordered && (name == "height" || name == "longestStall") {
			continue
		}
		got, ok := row[name].(float64)
		if ok != (want.n != nil) || ok && math.Abs(got-float64(*want.n)/want.by) > 1e-9*math.Abs(got) {
			return fmt.Errorf("%s is %v, want %s", name, row[name], describe(want.value(), true))
		}
	}
	for name := range row {
		if _, known := numbers[name]; !known {
			if _, known := r.texts()[name]; !known {
				return fmt.Errorf("unknown column %s", name)
			}
		}
	}
	return nil
}

func (w whole) value() *float64 {
	if w.n == nil {
		return nil
	}
	return number(float64(*w.n) / w.by)
}
