package widget

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// BlockList tells who is on an organisation's block list now.
type BlockList func(context.Context) (blocklist.List, error)

func blockList() Definition {
	return Definition{
		Type:        "blockList",
		Title:       "Block list",
		Description: "Addresses, networks, users and sites that the organisation does not let watch, as they are now.",
		Details:     "The range does not matter, and nothing can be filtered. A data source or a read key with fixed filters is refused: the list is of the whole organisation.",
		Page:        PagePlays,
		Level:       tenant.Premium,
		Filters:     []string{},
		Columns: []Column{
			{Name: "kind", Help: "`ip`, `user` or `referrer`."},
			{Name: "value", Help: "Who."},
			{Name: "reason", Help: "Why."},
			{Name: "by", Help: "Who put it there."},
			{Name: "since", Help: "When."},
			{Name: "until", Help: "When it ends by itself; none if it stays."},
			{Name: "remove", Help: "The command that takes it from the list."},
		},
		plays:   listBlocked,
		noPlays: true,
	}
}

// errNoBlockList is the answer where the block list is not known.
var errNoBlockList = &kindError{ErrBadQuery, errors.New("this data source cannot ask for the block list: put a token into blockListTokens of streamlens.yaml, and set it and " +
	"the collector's URL in the settings of the data source; docs/blocking.md says how"), "No block list is set up"}

// listBlocked answers the widget blockList.
func listBlocked(ctx context.Context, _ vm.Asker, r *Request) (*data.Frame, error) {
	list, err := r.BlockList(ctx)
	if err != nil {
		return nil, &kindError{ErrUpstream, err, "The block list cannot be read"}
	}
	texts, times := make([][]string, 7), make([][]*time.Time, 7)
	for _, e := range list {
		for i, text := range map[int]string{0: string(e.Kind), 1: e.Value, 2: e.Reason, 3: e.By, 6: r.command("remove", e.Kind, e.Value)} {
			texts[i] = append(texts[i], text)
		}
		since := e.Added.UTC()
		times[4], times[5] = append(times[4], &since), append(times[5], nil)
		if !e.Until.IsZero() {
			until := e.Until.UTC()
			times[5][len(times[5])-1] = &until
		}
	}
	frame := data.NewFrame("blockList")
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable}
	for i, c := range blockList().Columns {
		field := data.NewField(c.Name, nil, append([]string{}, texts[i]...))
		if i == 4 || i == 5 {
			field = data.NewField(c.Name, nil, append([]*time.Time{}, times[i]...))
		}
		field.Config = &data.FieldConfig{Description: c.Help}
		frame.Fields = append(frame.Fields, field)
	}
	if len(list) == 0 {
		frame.Meta.Custom = map[string]any{CustomNothing: "Nobody is on the block list"}
	}
	return frame, nil
}

// blockedFor is for how long the command of a row blocks, unless somebody changes it.
const blockedFor = "now+7d"

// blockCommand returns the command that puts somebody on the block list, "" of what cannot be on it, such as the hash of an address. The address of
// a network, as it is stored in the place of its addresses, is not on offer either: the list would have that one address.
func (r *Request) blockCommand(kind blocklist.Kind, value string) string {
	value, err := blocklist.Canonical(kind, value)
	if err != nil || kind == blocklist.IP && (strings.HasSuffix(value, ".0") || strings.HasSuffix(value, "::")) {
		return ""
	}
	return r.command("add", kind, value) + " --until=" + blockedFor + " --reason='shared access'"
}

// command returns a command about the block list, as a shell reads it.
func (r *Request) command(verb string, kind blocklist.Kind, value string) string {
	of := ""
	if r.Organization != "" {
		of = " --org=" + r.Organization
	}
	return "streamlens block " + verb + of + " --" + string(kind) + "=" + quoted(value)
}

// quoted quotes a text so that a shell of Unix takes it for one word and nothing else. The text has no control characters.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
