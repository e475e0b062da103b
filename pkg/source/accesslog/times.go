package accesslog

import "strings"

// The times that packagers write into names: dates with or without hyphens, times of the day, seconds and milliseconds since
// 1970 (of the years 2001 to 2033, when they have 10 and 13 digits and begin with 1).

// isEpoch reports whether a number is a time in seconds or milliseconds since 1970.
func isEpoch(number string) bool {
	return (len(number) == 10 || len(number) == 13) && number[0] == '1' && isNumber(number)
}

// isMilliseconds reports whether a number is a time in ms since 1970.
func isMilliseconds(number string) bool { return len(number) == 13 && isEpoch(number) }

// inRange reports whether a text is a number of two digits from low to high.
func inRange(text string, low, high int) bool {
	if len(text) != 2 || !isDigit(text[0]) || !isDigit(text[1]) {
		return false
	}
	n := int(text[0]-'0')*10 + int(text[1]-'0')
	return low <= n && n <= high
}

// isYear reports whether a text is a year of this century.
func isYear(text string) bool { return len(text) == 4 && text[:2] == "20" && isNumber(text) }

// isDay reports whether a text is YYYYMMDD.
func isDay(text string) bool {
	return len(text) == 8 && isYear(text[:4]) && inRange(text[4:6], 1, 12) && inRange(text[6:], 1, 31)
}

// isClock reports whether a text is HHMMSS.
func isClock(text string) bool {
	return len(text) == 6 && inRange(text[:2], 0, 23) && inRange(text[2:4], 0, 59) && inRange(text[4:], 0, 60)
}

// isDate reports whether a name is a date, with a time or not: 2026-11-28, 20261128, 2026112821, 20261128T210004Z,
// 2026-11-28-21, 2026-11-28_21-00-04.
func isDate(name string) bool {
	if len(name) < 8 || name[:2] != "20" {
		return false
	}
	if isDay(name[:8]) {
		rest := name[8:]
		return rest == "" || inRange(rest, 0, 23) || len(rest) == 4 && inRange(rest[:2], 0, 23) && inRange(rest[2:], 0, 59) || cutTime(name) == ""
	}
	if len(name) < 10 || !isDashed(name[:10]) {
		return false
	}
	rest := name[10:]
	return rest == "" || isSeparator(rest[0]) && inRange(rest[1:], 0, 23) || cutTime(name) == ""
}

// isDashed reports whether a text is YYYY-MM-DD or YYYY_MM_DD.
func isDashed(text string) bool {
	return len(text) == 10 && isYear(text[:4]) && isSeparator(text[4]) && text[7] == text[4] && inRange(text[5:7], 1, 12) && inRange(text[8:], 1, 31)
}

// maxGroups is how many groups of digits the time at the end of a name can have: year to milliseconds, and some before them.
const maxGroups = 12

// cutTime returns a name without a date and time of the day at its end, as strftime and media servers write them:
// NAME_20261128_210004, NAME-20261128210004, NAME-2026-11-28_21-00-04.509, NAME-2026-11-28T210004, NAME-20261128-1795899604.
// It returns the name itself if there is none, "" if there is nothing else. A date alone is part of the name.
func cutTime(name string) string {
	end := len(name)
	if end > 0 && (name[end-1] == 'Z' || name[end-1] == 'z') {
		end--
	}
	// The groups of digits at the end, the last first.
	var begins, ends [maxGroups]int
	n := 0
	for i := end; n < maxGroups && i > 0 && isDigit(name[i-1]); n++ {
		ends[n] = i
		for i > 0 && isDigit(name[i-1]) {
			i--
		}
		begins[n] = i
		if i == 0 || !isJoint(name[i-1]) {
			n++
			break
		}
		i--
	}
	if n == 0 || ends[0]-begins[0] == end && end < 14 {
		return name
	}
	group := func(i int) string { return name[begins[i]:ends[i]] }
	joint := func(i int) byte { return name[begins[i]-1] } // before a group that is not the first
	for first := n - 1; first >= 0; first-- {
		left := first // groups behind the first one
		switch length := ends[first] - begins[first]; {
		case length == 14 || length == 17:
			if text := group(first); left == 0 && isDay(text[:8]) && isClock(text[8:14]) {
				return cut(name, begins[first])
			}
		case length == 8 && left > 0 && isDay(group(first)):
			next := group(first - 1)
			switch {
			case left == 1 && begins[first] > 0 && len(next) == 10 && isEpoch(next),
				left == 1 && (isClock(next) || len(next) == 9 && isClock(next[:6])),
				left == 2 && isClock(next) && len(group(0)) == 3 && joint(0) == '.':
				return cut(name, begins[first])
			}
		case length == 4 && left >= 3 && isYear(group(first)) && inRange(group(first-1), 1, 12) && inRange(group(first-2), 1, 31) &&
			joint(first-1) == joint(first-2):
			next := group(first - 3)
			switch {
			// A number behind a date with the same character between is that of a segment.
			case left == 3 && isClock(next) && joint(first-3) != joint(first-1):
				return cut(name, begins[first])
			case left >= 5 && inRange(next, 0, 23) && inRange(group(first-4), 0, 59) && inRange(group(first-5), 0, 60) &&
				(left == 5 || left == 6 && len(group(0)) == 3):
				return cut(name, begins[first])
			}
		}
	}
	return name
}

// isJoint reports whether a character stands between the groups of digits of a time.
func isJoint(c byte) bool { return isSeparator(c) || c == '.' || c == 'T' || c == 't' || c == ':' }

// cut returns a name up to an index, without what separates it from the rest.
func cut(name string, index int) string {
	return strings.TrimRight(name[:index], "-_.")
}

// withoutHours returns how many of the folders are left without the date and the parts of the day at their end, such as
// 2026-11-28/21, 2026/11/28/21/00 and 2026112821. All are left if there are none, or if nothing is before them.
func withoutHours(folders []folder) int {
	i := len(folders)
	for i > 0 && len(folders)-i < 4 && inRange(folders[i-1].raw, 0, 59) {
		i--
	}
	below := len(folders) - i
	switch {
	case i < 2:
	case below >= 2 && isYear(folders[i-1].raw), isDate(folders[i-1].raw) && (below > 0 || !isDay(folders[i-1].raw) && !isDashed(folders[i-1].raw)):
		return i - 1
	}
	return len(folders)
}
