package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/widget"
)

// maxBlockList bounds the answer of the collector, in bytes: a list has blocklist.MaxEntries entries of less than 2 KiB.
const maxBlockList = 32 << 20

// blockListTimeout is how long an answer may take of which that much comes over a network.
const blockListTimeout = 15 * time.Second

// complete gives a request what the data source has beside VictoriaMetrics.
func (d *Datasource) complete(request *widget.Request) {
	request.Plays, request.Organization = d.plays, d.settings.Organization
	if d.settings.CollectorURL != "" && d.settings.BlockListToken != "" {
		request.BlockList = d.blockList
	}
}

// blockList asks the collector for the organisation's block list. Its errors name neither URL nor token.
func (d *Datasource) blockList(ctx context.Context) (blocklist.List, error) {
	ctx, cancel := context.WithTimeout(ctx, blockListTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(d.settings.CollectorURL, "/")+"/v1/blocklist/list.json", nil)
	if err != nil {
		return nil, errors.New("the collector's URL is not valid")
	}
	request.Header.Set("Authorization", "Bearer "+d.settings.BlockListToken)
	response, err := d.anonymous.Do(request)
	if err != nil {
		return nil, errors.New("the collector does not answer at its URL")
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, errors.New("the collector does not know the block list token: compare it with blockListTokens in streamlens.yaml")
	default:
		return nil, fmt.Errorf("the collector answered with status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBlockList+1))
	switch {
	case err != nil:
		return nil, errors.New("the collector's answer broke off or did not end in time")
	case len(body) > maxBlockList:
		return nil, fmt.Errorf("the block list has more than %d MB, which is more than is shown: streamlens block list shows all of it", maxBlockList>>20)
	}
	var list blocklist.Published
	switch err := json.Unmarshal(body, &list); {
	case err != nil:
		return nil, errors.New("the collector's URL leads to something else")
	case list.Organization != d.settings.Organization:
		return nil, errors.New("the block list token is not of this data source's organisation")
	}
	return list.Entries, nil
}
