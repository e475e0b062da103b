package tenancy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// What only victim has. No attack names any of it, so that an answer which has it has not got it from the attack.
const (
	// marker is in every text of victim: streams, events, tags, referrers, versions, reasons, protocols.
	marker = "7f3aq"
	// victimNetwork begins every address of victim, and victimCountry is the country of them all.
	victimNetwork = "81.2.4."
	victimCountry = "BR"
	// victimCode is the only status code of victim's players.
	victimCode = "77301447"
	// prime divides every number of bytes of victim.
	prime = 2_147_483_647
	// most is less than every count and sum of victim in one answer, and more than all of acme's.
	most = 1000
)

var digits = regexp.MustCompile(`\d{10,}`)

// leaks returns what an answer has of victim, and nothing if it has none of it.
func leaks(a answer) []string {
	found := textLeaks(a.text)
	for _, frame := range a.frames {
		if number, ok := largeNumber(frame); ok {
			found = append(found, fmt.Sprintf("the number %v", number))
		}
	}
	return found
}

// textLeaks returns what a text has of victim.
func textLeaks(text string) []string {
	var found []string
	for _, secret := range []string{marker, victimNetwork, victimCode, `"` + victimCountry + `"`} {
		if strings.Contains(text, secret) {
			found = append(found, strconv.Quote(secret))
		}
	}
	for _, number := range digits.FindAllString(text, -1) {
		n, err := strconv.ParseInt(number, 10, 64)
		if err == nil && n%prime == 0 {
			found = append(found, "the number "+number)
		}
	}
	return found
}

// largeNumber returns a number of a frame that acme cannot have, times left out.
func largeNumber(frame json.RawMessage) (float64, bool) {
	var decoded struct {
		Schema struct {
			Fields []struct {
				Type string `json:"type"`
			} `json:"fields"`
		} `json:"schema"`
		Data struct {
			Values [][]any `json:"values"`
		} `json:"data"`
	}
	if err := json.Unmarshal(frame, &decoded); err != nil {
		return 0, true // a frame that nobody can read shows nothing for certain
	}
	for i, values := range decoded.Data.Values {
		if i < len(decoded.Schema.Fields) && decoded.Schema.Fields[i].Type == "time" {
			continue
		}
		for _, value := range values {
			if number, ok := value.(float64); ok && (number >= most || number <= -most) {
				return number, true
			}
		}
	}
	return 0, false
}
