package report

import "testing"

// TestMarksKeepTheOrder compares lists that would else be seen from right to left, since their first letter is.
func TestMarksKeepTheOrder(t *testing.T) {
	for list, want := range map[string]string{
		"a, b": "a, b",
		leftToRight + "אב, " + leftToRight + "=SUM(A1), " + leftToRight + "c": "בא, =SUM(A1), c",
		leftToRight + "אב, " + leftToRight + "גד":                             "בא, דג",
		leftToRight + "from 1 to 2":                                           "from 1 to 2",
	} {
		if got := visual(list); got != want {
			t.Errorf("%q is seen as %q, want %q", list, got, want)
		}
	}
}
