package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// statistics is the answer with grouped counts.
type statistics struct {
	Rows []statisticsRow `json:"rows"`
}

// statisticsRow counts one group. It has the fields by which the request groups.
type statisticsRow struct {
	Template *string        `json:"template,omitempty"`
	Scenario *string        `json:"scenario,omitempty"`
	Channel  *channel.Name  `json:"channel,omitempty"`
	Reason   *status.Reason `json:"reason,omitempty"`
	// Start is the first instant of the hour or the day, in the zone.
	Start          string         `json:"start,omitempty"`
	Triggered      int            `json:"triggered"`
	Preparing      int            `json:"preparing"`
	Accepted       int            `json:"accepted"`
	Failed         int            `json:"failed"`
	Undeliverable  int            `json:"undeliverable"`
	Delivered      int            `json:"delivered"`
	Read           int            `json:"read"`
	DeliveredTwice int            `json:"delivered_twice"`
	Times          *deliveryTimes `json:"times,omitempty"`
}

// deliveryTimes are the times to delivery, in seconds, within a tenth.
type deliveryTimes struct {
	Count  int     `json:"count"`
	Median float64 `json:"median_seconds"`
	P95    float64 `json:"p95_seconds"`
}

// maxRows is the most rows of an answer.
const maxRows = 10_000

// getStatistics answers with the counts that the URL selects.
func (c *call) getStatistics(http.ResponseWriter) (answer, error) {
	times := c.parameters.Get("times")
	if times != "" && times != "true" && times != "false" {
		return answer{}, newProblem(codeInvalidRequest, "", mistake{Parameter: "times", Detail: "must be true or false"})
	}
	s, err := c.parseSelection(c.parameters, false, smsplus.Filter{})
	if err != nil {
		return answer{}, err
	}
	return c.answerStatistics(s, c.parameters.Get("by"), times == "true", false)
}

// searchStatistics answers with the counts that the body selects.
func (c *call) searchStatistics(w http.ResponseWriter) (answer, error) {
	o, release, err := c.readObject(w)
	if err != nil {
		return answer{}, err
	}
	defer release()
	by, times := strings.Join(o.words("by"), ","), o.flag("times")
	s, err := c.readSelection(o, statisticsFields())
	if err != nil {
		return answer{}, err
	}
	return c.answerStatistics(s, by, times, true)
}

// answerStatistics answers with the counts of what is selected.
func (c *call) answerStatistics(s selection, by string, times, inBody bool) (answer, error) {
	g := smsplus.Grouping{By: smsplus.ByTemplate, Zone: s.zone, Times: times}
	var err error
	if by != "" {
		g.By, err = smsplus.ParseDimensions(by)
	}
	if err == nil {
		err = g.Check()
	}
	if err != nil {
		return answer{}, newProblem(codeInvalidFilter, "", filterMistakes(err, inBody)...)
	}
	groups, err := s.reader.StatsBy(c.ctx, s.filter, g)
	if err != nil {
		return answer{}, err
	}
	if len(groups) > maxRows {
		detail := fmt.Sprintf("gives %d rows, and %d are allowed; take a shorter range or fewer words", len(groups), maxRows)
		return answer{}, newProblem(codeInvalidFilter, "", mistakeAt("by", inBody, detail))
	}
	body := statistics{Rows: make([]statisticsRow, 0, len(groups))}
	for i := range groups {
		body.Rows = append(body.Rows, newRow(g, &groups[i]))
	}
	return newAnswer(http.StatusOK, body), nil
}

// newRow returns the row of a group.
func newRow(g smsplus.Grouping, s *smsplus.GroupStats) statisticsRow {
	r := statisticsRow{
		Triggered: s.Triggered, Preparing: s.Preparing, Accepted: s.Accepted, Failed: s.Failed, Undeliverable: s.Undeliverable,
		Delivered: s.Delivered, Read: s.Read, DeliveredTwice: s.DeliveredTwice,
	}
	if g.By.Has(smsplus.ByTemplate) {
		r.Template = &s.Template
	}
	if g.By.Has(smsplus.ByScenario) {
		r.Scenario = &s.Scenario
	}
	if g.By.Has(smsplus.ByChannel) {
		r.Channel = &s.Channel
	}
	if g.By.Has(smsplus.ByReason) {
		r.Reason = &s.Reason
	}
	if !s.Start.IsZero() {
		r.Start = s.Start.Format(time.RFC3339)
	}
	if g.Times {
		r.Times = &deliveryTimes{s.Times.Count(), s.Times.Quantile(0.5).Seconds(), s.Times.Quantile(0.95).Seconds()}
	}
	return r
}
