package session

import (
	"encoding/binary"
	"slices"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
)

// SetRecording says whether records are kept of sessions that begin from now on.
func (t *Tracker) SetRecording(on bool) { t.recording = on }

// Recording reports whether records are kept of sessions that begin now.
func (t *Tracker) Recording() bool { return t.recording }

// TakeRecords returns the records of the sessions that have ended since the last time. Their collector is not set.
func (t *Tracker) TakeRecords() []play.Record {
	taken := t.records
	t.records = nil
	return taken
}

// record begins the record of a session that is new, at a time in ms since 1970, if it is to be kept. Of a session that another collector
// has begun that one keeps it.
func (t *Tracker) record(s *session, of event.Session, begin int64) {
	if t.recording && !s.adopted {
		s.record = play.NewRecorder(of.ID, of.User, of.CDN, begin)
	}
}

// takeRecord ends the record of a session, if there is one. What the session tells later is not in it.
func (t *Tracker) takeRecord(s *session) {
	if s.record == nil {
		return
	}
	r := s.record.Record(s.lastTime)
	s.record = nil
	s.describe(&r)
	r.Outcome, r.Quality = s.outcomeName(), qualityNames[s.judgement]
	t.records = append(t.records, r)
}

// Shares is how many shares the sessions are in that Running tells of.
const Shares = 30

// Running returns what is known of the sessions of which records are kept, of as many shares as count from first on. Each session is in one share, of
// about equal size. Its outcome is play.Running, or play.Ended where nothing plays any more and the record is not made yet. The texts are shared and
// collectors not set.
func (t *Tracker) Running(first, count int64) []play.Record {
	var records []play.Record
	for s := range t.live() {
		share := (int64(binary.BigEndian.Uint16(s.name[:])) - first) % Shares
		if share < 0 {
			share += Shares
		}
		if share >= count || s.record == nil {
			continue
		}
		r := s.record.SoFar(s.lastTime)
		s.describe(&r)
		r.Outcome = play.Ended
		if s.runs() {
			r.Outcome = play.Running
		}
		if s.started && r.Played == event.Absent {
			r.Played = max(s.lastTime-s.startTime-s.paused, 0)
		}
		records = append(records, r)
	}
	return records
}

// runs reports whether a session goes on, as far as is known: an attempt whose outcome is that nothing plays does not, nor one whose stop has come,
// even if that waits for what it overtook.
func (s *session) runs() bool {
	stops := func(e aheadEvent) bool { return e.Type == event.Stop }
	return !s.ended && (s.started || s.outcome == noOutcome) && (s.ahead == nil || !slices.ContainsFunc(s.ahead.events, stops))
}

// describe sets what does not come from the recorder.
func (s *session) describe(r *play.Record) {
	r.Organization, r.Direction, r.Stream, r.Event, r.Country = s.space.Organization, s.direction, s.space.Stream, s.space.Event, s.space.Country
	r.Address, r.Operator, r.Region, r.Referrer = s.address, s.network.operator, s.network.region, s.referrer.value
	if s.network.asn != 0 {
		r.ASN = int64(s.network.asn)
	}
	p := s.player
	r.Player, r.Protocol, r.OS, r.Browser, r.Device = p.Version, p.Protocol, p.OS, p.Browser, p.Device
}

// outcomeName returns the name of the outcome of the session's attempt, the last one; "" if there was no attempt.
func (s *session) outcomeName() string {
	if s.failed {
		return measure.OutcomePlaybackFailure
	}
	return outcomeNames[s.outcome]
}

var outcomeNames = map[outcome]string{
	outcomePlayed: measure.OutcomePlayed, outcomeStartFailure: measure.OutcomeStartFailure, outcomeStartBusiness: measure.OutcomeStartBusiness,
	outcomeBlocked: measure.OutcomeBlocked, outcomeExitEarly: measure.OutcomeExitEarly, outcomeExit: measure.OutcomeExit,
}

var qualityNames = map[judgement]string{
	good: measure.QualityGood, fair: measure.QualityFair, badStart: measure.QualityBad, badExit: measure.QualityBad,
	badPlayback: measure.QualityBad, badStartTime: measure.QualityBad, badBuffering: measure.QualityBad,
}
