package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// Untagged is the name of what is of streams without a tag.
const Untagged = none

// tagHelp is what a column of tags holds.
const tagHelp = "Tag that streams have now; " + Untagged + " is of streams without a tag."

func usageByTag() Definition {
	of := usageByStream()
	return Definition{
		Type:        "usageByTag",
		Title:       "Usage by tag",
		Description: "What was received and delivered of the streams that have each tag now, in bytes or seconds, the greatest first.",
		Details: "A stream with several tags counts in each of them, so the rows may add up to more than the whole, and a notice says so. A " +
			"filter on tags shows every tag of the streams that it lets through. In (other), too, each stream counts once.",
		Page:    PageBreakdown,
		Level:   tenant.Default,
		Options: of.Options,
		Filters: of.Filters,
		Columns: append([]Column{{Name: measure.DimensionTag, Help: tagHelp}}, of.Columns[1:]...),
		reads:   of.reads,
		rankBy:  of.rankBy,
	}
}
