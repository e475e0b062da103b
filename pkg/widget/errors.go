package widget

import (
	"errors"
	"fmt"
)

// The kinds of errors that Run returns; errors.Is tells them apart. The text of each is written for the user.
var (
	ErrBadQuery  = errors.New("bad query")              // the query itself is wrong
	ErrForbidden = errors.New("forbidden")              // the organisation's level is too low
	ErrUpstream  = errors.New("VictoriaMetrics failed") // with the error of package vm as a further cause
)

// kindError has a kind without repeating it in its text.
type kindError struct {
	kind  error
	err   error
	short string // a few words; "" for those of the kind
}

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

func upstream(err error) error { return &kindError{kind: ErrUpstream, err: err} }

func badQuery(format string, args ...any) error {
	return &kindError{kind: ErrBadQuery, err: fmt.Errorf(format, args...)}
}
