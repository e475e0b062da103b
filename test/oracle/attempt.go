package oracle

import "slices"

// judge is how an organisation judges attempts to play.
type judge struct {
	businessCodes []string
	limits        Quality
}

// judge is that of the organisation, where it says nothing that of rules 30 and 33.
func (o Organization) judge() judge {
	j := judge{[]string{"4403", "4900", "4901", "4903", "4904"}, Quality{2, 0.01, 4, 0.03}}
	if o.BusinessCodes != nil {
		j.businessCodes = o.BusinessCodes
	}
	if o.Quality != nil {
		j.limits = *o.Quality
	}
	return j
}

// unstarted is the outcome that an event settles before the first frame, empty
// if it settles none.
func (j judge) unstarted(e event, load int64) string {
	blocked := e.code == "1005" || e.reason == "interactionrequired"
	business := e.business || slices.Contains(j.businessCodes, e.code)
	switch {
	case e.kind == "status" && blocked || e.kind == "stop" && blocked:
		return "blocked"
	case e.kind == "status" && e.fatal && business:
		return "startbusiness"
	case e.kind == "status" && e.fatal:
		return "startfailure"
	case e.kind == "stop":
		return left(e.ts, load)
	}
	return ""
}

// left is the outcome of leaving before the first frame.
func left(at, load int64) string {
	if at-load < 1000 {
		return "exitearly"
	}
	return "exit"
}

// failedStart says whether an outcome before the first frame counts as an
// attempt, which is bad then.
func failedStart(outcome string) bool { return outcome == "startfailure" || outcome == "exit" }

// watched is a play that has ended, times in ms.
type watched struct {
	end, played        int64 // of playing, as the play's reports say
	buffered, duration int64
	startTime          *int64
	failed             bool
}

// quality is how good a play was: good, fair, or why it was bad (rule 33).
func (j judge) quality(w watched) string {
	within := func(startSeconds, ratio float64) (bool, bool) {
		share := 0.0
		if w.played+w.buffered > 0 && w.duration >= 10_000 {
			share = float64(w.buffered) / float64(w.played+w.buffered)
		}
		return w.startTime == nil || float64(*w.startTime)/1000 <= startSeconds, share <= ratio
	}
	fastStart, smooth := within(j.limits.StartSeconds, j.limits.BufferingRatio)
	fairStart, fairlySmooth := within(j.limits.FairStartSeconds, j.limits.FairBufferingRatio)
	switch {
	case w.failed:
		return "playbackfailure"
	case !fairStart:
		return "starttime"
	case !fairlySmooth:
		return "buffering"
	case fastStart && smooth:
		return "good"
	}
	return "fair"
}

// attempt is how an attempt with that load went. Start and stop are those of
// the session, or nil.
func (s *session) attempt(bySeq []event, load, start, stop *event) []Fact {
	inTime := slices.DeleteFunc(slices.Clone(bySeq), func(e event) bool { return e.late })
	last := inTime[len(inTime)-1]
	outcome, at := "", int64(0)
	for _, e := range inTime {
		if e.seq < load.seq || outcome != "" {
			continue
		}
		if start != nil && e.seq == start.seq {
			outcome, at = "played", e.ts
		} else {
			outcome, at = s.judge.unstarted(e, load.ts), e.ts
		}
	}
	if outcome == "" {
		outcome, at = left(last.ts, load.ts), last.ts
	}
	facts := []Fact{s.fact(Outcome, at, 1, outcome)}
	if failedStart(outcome) {
		facts = append(facts, s.fact(Judged, at, 1, outcome))
	}
	if outcome != "played" {
		return facts
	}

	w, paused := watched{startTime: start.startTime}, int64(0)
	if w.startTime == nil && load.ts <= start.ts {
		w.startTime = new(start.ts - load.ts)
	}
	failure, reported := (*event)(nil), start.ts
	for i := range inTime {
		e := &inTime[i]
		if e.seq <= start.seq || stop != nil && e.seq > stop.seq {
			continue
		}
		playing, buffering, pause := orZero(e.playing), orZero(e.buffering), orZero(e.paused)
		switch e.kind {
		case "status":
			if e.fatal && failure == nil {
				failure = e
			}
			continue
		case "stats":
			reported = e.ts
		case "stop":
			if !e.carriesReport() {
				playing = e.ts - reported
				if e.played != nil {
					playing = min(playing, *e.played-w.played-w.buffered)
				}
				playing = max(playing, 0)
			}
		default:
			continue
		}
		w.played, w.buffered, paused = w.played+playing, w.buffered+buffering, paused+pause
		if failure != nil && surelyAfter(failure.ts, e.ts, playing, playing+buffering+pause) >= 1000 {
			failure = nil
		}
	}
	w.end, w.duration, w.failed = last.ts, max(last.ts-start.ts-paused, 0), failure != nil
	if stop != nil {
		w.end, w.duration = stop.ts, max(stop.ts-start.ts-paused, 0)
		if stop.played != nil {
			w.duration = *stop.played
		}
	}
	if failure != nil {
		facts = append(facts, s.fact(Outcome, failure.ts, 1, "playbackfailure"))
		if failure.ts <= start.ts+30_000 {
			facts = append(facts, s.fact(EarlyFailure, failure.ts, 1, ""))
		}
	}
	return append(facts, s.fact(Judged, w.end, 1, s.judge.quality(w)))
}

// surelyAfter is how much of what was played in a span of the given length,
// which ends at end, cannot have been before a time; all in ms.
func surelyAfter(at, end, playing, length int64) int64 {
	roomBefore := max(0, min(at-(end-length), length))
	return max(0, playing-roomBefore)
}
