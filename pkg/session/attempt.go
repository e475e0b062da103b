package session

import (
	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	// earlyExit is how soon after the load somebody leaves who has not waited for the first frame, ms.
	earlyExit = 1000
	// playedOn is how much is played after a fatal code, in ms, from which on it was not the end: less can be what the code came before.
	playedOn = 1000
	// earlyFailure is how long after the first frame a playback failure counts against the start, ms.
	earlyFailure = 30_000
	// judgedWhole is how long a play must be for its buffering to be judged, ms.
	judgedWhole = 10_000
)

// attempt is how a player's attempt to play goes (docs/rules.md, 30 and 33).
type attempt struct {
	tries     bool    // there is an attempt whose outcome is open
	outcome   outcome // the first one; noOutcome while it is open
	failed    bool    // the play ended by a playback failure
	judgement judgement
}

// outcome is the first outcome of an attempt.
type outcome uint8

const (
	noOutcome outcome = iota
	outcomePlayed
	outcomeStartFailure
	outcomeStartBusiness
	outcomeBlocked
	outcomeExitEarly
	outcomeExit
	outcomes
)

// outcomeDimensions are the dimensions of measure.Outcomes.
var outcomeDimensions = func() (d [outcomes]aggregate.Dimensions) {
	for o, name := range map[outcome]string{
		outcomePlayed: measure.OutcomePlayed, outcomeStartFailure: measure.OutcomeStartFailure,
		outcomeStartBusiness: measure.OutcomeStartBusiness, outcomeBlocked: measure.OutcomeBlocked,
		outcomeExitEarly: measure.OutcomeExitEarly, outcomeExit: measure.OutcomeExit,
	} {
		d[o] = aggregate.NewDimensions(measure.Outcomes, name)
	}
	return d
}()

var playbackFailureDimensions = aggregate.NewDimensions(measure.Outcomes, measure.OutcomePlaybackFailure)

// judgement is how good an attempt that counts was.
type judgement uint8

const (
	notJudged judgement = iota
	good
	fair
	badStart // no first frame
	badExit
	badPlayback // a playback failure
	badStartTime
	badBuffering
	judgements
)

// judgementDimensions are the dimensions of measure.Quality.
var judgementDimensions = func() (d [judgements]aggregate.Dimensions) {
	for j, names := range map[judgement][2]string{
		good: {measure.QualityGood, ""}, fair: {measure.QualityFair, ""},
		badStart: {measure.QualityBad, measure.OutcomeStartFailure}, badExit: {measure.QualityBad, measure.OutcomeExit},
		badPlayback:  {measure.QualityBad, measure.OutcomePlaybackFailure},
		badStartTime: {measure.QualityBad, measure.CauseStartTime}, badBuffering: {measure.QualityBad, measure.CauseBuffering},
	} {
		d[j] = aggregate.NewDimensions(measure.Quality, names[0], names[1])
	}
	return d
}()

// decide settles the first outcome of an attempt at the time at, in ms since 1970.
func (s *session) decide(to *entry, o outcome, at int64) {
	if !s.tries {
		return
	}
	s.tries, s.outcome = false, o
	to.Add(measure.Outcomes, at, 1, outcomeDimensions[o])
	switch o {
	case outcomeStartFailure:
		s.rate(to, badStart, at)
	case outcomeExit:
		s.rate(to, badExit, at)
	}
}

// show is what the first frame means for the attempt, after firstFrame ms or event.Absent.
func (s *session) show(to *entry, at, firstFrame int64) {
	s.firstFrame = firstFrame
	s.decide(to, outcomePlayed, at)
}

// fail is what a code means for the attempt: a fatal one, or one by which the browser wants a touch first.
func (s *session) fail(to *entry, at int64, fatal bool, excuse event.Excuse) {
	switch {
	case s.started:
		if fatal && s.outcome == outcomePlayed && s.failedAt == 0 && !s.ended {
			s.failedAt = at
		}
	case excuse == event.Blocked:
		s.decide(to, outcomeBlocked, at)
	case fatal && excuse == event.Business:
		s.decide(to, outcomeStartBusiness, at)
	case fatal:
		s.decide(to, outcomeStartFailure, at)
	}
}

// leave is what the end of a session without a first frame means for the attempt.
func (s *session) leave(to *entry, at int64, excuse event.Excuse) {
	switch {
	case excuse == event.Blocked:
		s.decide(to, outcomeBlocked, at)
	case at-s.loadTime < earlyExit:
		s.decide(to, outcomeExitEarly, at)
	default:
		s.decide(to, outcomeExit, at)
	}
}

// spent notes how a span of a play was spent that ended at the time end, all in ms, until the play ends.
func (s *session) spent(end, playing, buffering, paused int64) {
	if s.ended {
		return
	}
	s.played += playing
	s.buffered += buffering
	s.paused += paused
	if s.failedAt == 0 {
		return
	}
	length := playing + buffering + paused
	before := length - min(max(end-s.failedAt, 0), length) // of the span, ahead of the fatal code
	if playing-before >= playedOn {
		s.failedAt = 0
	}
}

// judge settles whether a play that ended at the time at failed, and how good it was; duration is in ms.
func (s *session) judge(to *entry, at, duration int64) {
	if s.outcome != outcomePlayed {
		return
	}
	if s.failed = s.failedAt != 0; s.failed {
		to.Add(measure.Outcomes, s.failedAt, 1, playbackFailureDimensions)
		if s.failedAt-s.startTime <= earlyFailure {
			to.Add(measure.EarlyPlaybackFailures, s.failedAt, 1, "")
		}
	}
	limits := to.tracker.quality(s.space.Organization)
	within := func(startSeconds, bufferingRatio float64) (start, buffering bool) {
		return s.firstFrame == event.Absent || float64(s.firstFrame) <= startSeconds*1000,
			duration < judgedWhole || float64(s.buffered) <= bufferingRatio*float64(s.played+s.buffered)
	}
	goodStart, goodBuffering := within(limits.StartSeconds, limits.BufferingRatio)
	fairStart, fairBuffering := within(limits.FairStartSeconds, limits.FairBufferingRatio)
	switch {
	case s.failed:
		s.rate(to, badPlayback, at)
	case !fairStart:
		s.rate(to, badStartTime, at)
	case !fairBuffering:
		s.rate(to, badBuffering, at)
	case goodStart && goodBuffering:
		s.rate(to, good, at)
	default:
		s.rate(to, fair, at)
	}
}

func (s *session) rate(to *entry, j judgement, at int64) {
	s.judgement = j
	to.Add(measure.Quality, at, 1, judgementDimensions[j])
}
