package console

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// failuresPage is the content of "why.html".
type failuresPage struct {
	Layout  layout
	Windows []navItem
	// Templates are the headings of the columns: the templates with the most failures.
	Templates []string
	HasOthers bool
	Rows      []failureRow
	Fallbacks []fallbackRow
}

// failureRow is a reason on a channel.
type failureRow struct {
	// ID is that of the box with the explanation and the words.
	ID              string
	Channel, Reason string
	Badge           badge
	Cells           []failureCell
	Others          int
	Total           failureCell
	// Share is the part of the attempts on the channel.
	Share   string
	Meaning meaning
	// Words are the provider's, most frequent first.
	Words []providerWords

	of failureKey
}

// failureCell counts the failures of a template, and links to their records.
type failureCell struct {
	Count int
	URL   string
	// Heat is 0 to 4: how large the count is, compared with the largest.
	Heat int
}

// providerWords is a text of a provider, with how often it stands in the newest records.
type providerWords struct {
	Text  string
	Count int
}

// fallbackRow says what the fallback did for a template.
type fallbackRow struct {
	Template, First, URL string
	// Delivered counts messages, Rescued the ones that only a fallback delivered, and Twice
	// the ones that arrived on several channels.
	Delivered, Rescued, Twice int
	RescuedShare, TwiceShare  string
}

// The sizes of the board.
const (
	maxFailureColumns = 6
	maxFailureRows    = 60
	maxWords          = 3
	sampledRows       = 8  // rows whose records are looked at for the providers' words
	sampledRecords    = 50 // for each of them
)

// failureKey is a row of the board.
type failureKey struct {
	reason status.Reason
	name   channel.Name
}

// boxID returns the ID of the row's box in the page.
func (k failureKey) boxID() string {
	return "f-" + shortHash(string(k.reason)+" "+string(k.name))
}

// showFailures answers with why messages did not arrive.
func (v *visit) showFailures(w http.ResponseWriter) error {
	last := v.window()
	page, err := v.failuresPage(last)
	if err != nil {
		return err
	}
	for i := range min(len(page.Rows), sampledRows) {
		if err := v.setWords(&page.Rows[i], last); err != nil {
			return err
		}
	}
	page.Layout = v.withLive(v.layout("why.title", "why.title"))
	page.Windows = v.windowLinks("/why", last)
	return v.render(w, http.StatusOK, "why", page)
}

// liveFailures returns the board as one element. It samples no records for the providers'
// words: the browser keeps the boxes that have them.
func (v *visit) liveFailures() ([]livePart, error) {
	page, err := v.failuresPage(v.window())
	if err != nil {
		return nil, err
	}
	part, err := v.part("failures", "why#failures", page)
	return []livePart{part}, err
}

// failuresPage returns why messages did not arrive, without the layout and the providers' words.
func (v *visit) failuresPage(last window) (page failuresPage, err error) {
	groups, err := v.reader.StatsBy(v.ctx, last.boundFilter(smsplus.Filter{}), smsplus.Grouping{
		By: smsplus.ByTemplate | smsplus.ByChannel | smsplus.ByReason,
	})
	if err != nil {
		return page, err
	}
	v.setBoard(&page, last, groups)
	page.Fallbacks, err = v.fallbacks(last, groups)
	return page, err
}

// setBoard sets the rows and columns of the board, the largest counts first.
func (v *visit) setBoard(page *failuresPage, last window, groups []smsplus.GroupStats) {
	counts := map[failureKey]map[string]int{}
	totals, byTemplate, attempts := map[failureKey]int{}, map[string]int{}, map[channel.Name]int{}
	failed := map[failureKey]bool{}
	for _, g := range groups {
		attempts[g.Channel] += g.Triggered
		n := g.Failed + g.Undeliverable
		if n == 0 {
			continue
		}
		key := failureKey{g.Reason, g.Channel}
		if counts[key] == nil {
			counts[key] = map[string]int{}
		}
		counts[key][g.Template] += n
		totals[key] += n
		byTemplate[g.Template] += n
		failed[key] = failed[key] || g.Failed > 0
	}
	page.Templates = slices.SortedFunc(maps.Keys(byTemplate), func(a, b string) int {
		return cmp.Or(cmp.Compare(byTemplate[b], byTemplate[a]), cmp.Compare(a, b))
	})
	if len(page.Templates) > maxFailureColumns {
		page.Templates, page.HasOthers = page.Templates[:maxFailureColumns], true
	}
	keys := slices.SortedFunc(maps.Keys(totals), func(a, b failureKey) int {
		return cmp.Or(cmp.Compare(totals[b], totals[a]), cmp.Compare(a.reason, b.reason), compareChannels(a.name, b.name))
	})
	largest := 0
	for _, key := range keys {
		for _, n := range counts[key] {
			largest = max(largest, n)
		}
	}
	for _, key := range keys[:min(len(keys), maxFailureRows)] {
		st := status.Undeliverable
		if failed[key] {
			st = status.Failed
		}
		row := failureRow{
			ID: key.boxID(), Channel: v.channelLabel(key.name), Reason: v.reasonLabel(key.reason), Badge: v.badge(st),
			Total:   v.failureCell(totals[key], 0, last, key, ""),
			Share:   formatShare(totals[key], attempts[key.name]),
			Meaning: v.reasonMeaning(key.name, st, key.reason), Others: totals[key], of: key,
		}
		for _, template := range page.Templates {
			n := counts[key][template]
			row.Others -= n
			row.Cells = append(row.Cells, v.failureCell(n, largest, last, key, template))
		}
		page.Rows = append(page.Rows, row)
	}
}

// failureCell returns the cell of a count.
func (v *visit) failureCell(n, largest int, last window, key failureKey, template string) failureCell {
	c := failureCell{Count: n}
	if n == 0 {
		return c
	}
	c.URL = v.recordsURL(last, "channel", string(key.name), "reason", string(key.reason), "template", template)
	if largest > 0 {
		c.Heat = 1 + 3*n/largest
	}
	return c
}

// setWords sets the providers' words of a row, from its newest records.
func (v *visit) setWords(row *failureRow, last window) error {
	list, err := v.reader.Records(v.ctx, last.boundFilter(smsplus.Filter{Channel: row.of.name, Reason: row.of.reason, Limit: sampledRecords}))
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for i := range list.Messages {
		for _, a := range list.Messages[i].Attempts {
			if a.Channel == row.of.name && a.Reason == row.of.reason && a.Detail != "" && a.Status != status.Preparing {
				counts[a.Detail]++
			}
		}
	}
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, text := range words[:min(len(words), maxWords)] {
		row.Words = append(row.Words, providerWords{text, counts[text]})
	}
	return nil
}

// fallbacks returns what the fallback did for each template with several channels.
func (v *visit) fallbacks(last window, groups []smsplus.GroupStats) ([]fallbackRow, error) {
	stats, err := v.reader.Templates(v.ctx, last.boundFilter(smsplus.Filter{}))
	if err != nil {
		return nil, err
	}
	attempts, delivered := map[string]map[channel.Name]int{}, map[string]map[channel.Name]int{}
	for _, g := range groups {
		if attempts[g.Template] == nil {
			attempts[g.Template], delivered[g.Template] = map[channel.Name]int{}, map[channel.Name]int{}
		}
		attempts[g.Template][g.Channel] += g.Triggered
		delivered[g.Template][g.Channel] += g.Delivered
	}
	var rows []fallbackRow
	for _, s := range stats {
		if len(attempts[s.Template]) < 2 {
			continue
		}
		first, err := v.firstChannelOf(s.Template, last, attempts[s.Template])
		if err != nil {
			return nil, err
		}
		rescued := max(0, s.Delivered-delivered[s.Template][first])
		rows = append(rows, fallbackRow{
			Template: s.Template, First: v.channelLabel(first), Delivered: s.Delivered, Rescued: rescued, Twice: s.DeliveredTwice,
			RescuedShare: formatShare(rescued, s.Delivered), TwiceShare: formatShare(s.DeliveredTwice, s.Delivered),
			URL: v.recordsURL(last, "template", s.Template, "tab", status.Sent.String()),
		})
	}
	slices.SortStableFunc(rows, func(a, b fallbackRow) int { return cmp.Compare(b.Delivered, a.Delivered) })
	return rows[:min(len(rows), maxFailureRows)], nil
}

// firstChannelOf returns the channel that a template's messages try first. Every message
// tries it, so it has the most attempts. If another one has as many, a record decides.
func (v *visit) firstChannelOf(template string, last window, attempts map[channel.Name]int) (channel.Name, error) {
	names := slices.SortedFunc(maps.Keys(attempts), func(a, b channel.Name) int {
		return cmp.Or(cmp.Compare(attempts[b], attempts[a]), compareChannels(a, b))
	})
	if attempts[names[0]] > attempts[names[1]] {
		return names[0], nil
	}
	list, err := v.reader.Records(v.ctx, last.boundFilter(smsplus.Filter{Template: template, Limit: 1}))
	if err != nil || len(list.Messages) == 0 {
		return names[0], err
	}
	return firstChannel(&list.Messages[0]), nil
}
