package main

import "testing"

func TestPercentOf(t *testing.T) {
	const mega = 1 << 20
	for _, test := range []struct {
		name string
		live uint64
		want int
	}{
		{"an empty heap grows by 96 MB, not by more", 0, 2400},
		{"a small one grows by 96 MB", 32 * mega, 300},
		{"one of 96 MB doubles", 96 * mega, 100},
		{"a large one grows by a half", 192 * mega, 50},
		{"a larger one too", 4000 * mega, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := percentOf(test.live); got != test.want {
				t.Errorf("%d %%, want %d", got, test.want)
			}
		})
	}
}
