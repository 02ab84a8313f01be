package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// testPage is the content of "test.html".
type testPage struct {
	Layout    layout
	Template  string
	Route     string
	Countries []navItem
	Number    string // as it was typed, if it is wrong
	Vars      []testVar
	// Errors are the texts about the fields, by the field's name.
	Errors map[string]string
}

// testVar is a variable of a template, with a field for its value.
type testVar struct{ Field, Name, Value string }

// testPurpose is the purpose of the tokens of tests.
const testPurpose = "test"

// testReference is the reference of all tests, by which they are found.
const testReference = "console-test"

// testToken is what a token of a test holds.
type testToken struct {
	Template string            `json:"t"`
	Phone    string            `json:"p"` // in E.164
	Vars     map[string]string `json:"v"`
	// Key makes a form that is sent twice send one message.
	Key string `json:"k"`
}

// testTemplate returns the registered template that a form names, and the names of its
// variables.
func (v *visit) testTemplate(id string) (found smsplus.Template, names []string, err error) {
	for t := range v.config.Dispatcher.Templates() {
		if t.ID != id {
			continue
		}
		for _, s := range t.Route {
			names = append(names, s.Content.Vars()...)
		}
		slices.Sort(names)
		return t, slices.Compact(names), nil
	}
	return smsplus.Template{}, nil, failure{http.StatusNotFound, "actions.noTemplate"}
}

// showTest answers with the form of a test.
func (v *visit) showTest(w http.ResponseWriter) error {
	if !v.may(SendTest) {
		return errNotAllowed
	}
	t, names, err := v.testTemplate(v.r.URL.Query().Get("template"))
	if err != nil {
		return err
	}
	return v.answerTest(w, http.StatusOK, t, names, url.Values{}, map[string]string{})
}

// answerTest answers with the form of a test, filled with what was typed.
func (v *visit) answerTest(w http.ResponseWriter, code int, t smsplus.Template, names []string, form url.Values, wrong map[string]string) error {
	page := testPage{
		Layout: v.layout("actions.send_test", "actions.title"), Template: t.ID, Route: v.routeLabel(t), Countries: v.countries(form.Get("region")),
		Number: form.Get("number"), Errors: wrong,
	}
	for i, name := range names {
		field := "var-" + strconv.Itoa(i)
		page.Vars = append(page.Vars, testVar{field, name, form.Get(field)})
	}
	return v.render(w, code, "test", page)
}

// routeLabel names the channels of a template's route.
func (v *visit) routeLabel(t smsplus.Template) string {
	var labels []string
	for _, s := range t.Route {
		labels = append(labels, v.channelLabel(s.Channel))
	}
	return strings.Join(labels, " → ")
}

// sendTest takes the form of a test, and asks whether it is meant. The answer comes here too,
// with a token of the test.
func (v *visit) sendTest(w http.ResponseWriter) error {
	if !v.may(SendTest) {
		return errNotAllowed
	}
	if err := v.r.ParseForm(); err != nil {
		return failure{http.StatusBadRequest, "error.form"}
	}
	form := v.r.PostForm
	if token := form.Get("test"); token != "" {
		return v.sendConfirmedTest(w, token)
	}
	t, names, err := v.testTemplate(form.Get("template"))
	if err != nil {
		return err
	}
	number, err := national.Parse(strings.TrimSpace(form.Get("number")), form.Get("region"))
	if err != nil {
		return v.answerTest(w, http.StatusBadRequest, t, names, form, map[string]string{"number": v.text("records.wrongNumber")})
	}
	test := testToken{Template: t.ID, Phone: number.E164(), Vars: map[string]string{}, Key: "console-test/" + uuid.NewString()}
	for i, name := range names {
		test.Vars[name] = form.Get("var-" + strconv.Itoa(i))
	}
	if _, err := v.config.Dispatcher.Prepare(test.trigger(number)); err != nil {
		return v.answerTest(w, http.StatusBadRequest, t, names, form, map[string]string{"number": v.text("actions.invalid")})
	}
	sealed, err := json.Marshal(test)
	if err != nil {
		return err
	}
	page := v.newConfirmPage(SendTest, v.text(actionTexts[SendTest].effect))
	page.Path, page.Hidden = v.path("/actions/test"), []hiddenField{{"test", v.tokens.sealText(testPurpose, string(sealed))}}
	page.Fields = []storyField{
		{Label: v.text("record.to"), Value: number.String()},
		{Label: v.text("stats.template"), Value: t.ID},
		{Label: v.text("actions.route"), Value: v.routeLabel(t)},
	}
	return v.render(w, http.StatusOK, "confirm", page)
}

// trigger returns what the test asks for.
func (t testToken) trigger(to phone.Number) smsplus.Trigger {
	return smsplus.Trigger{Template: t.Template, To: channel.Recipient{Phone: to}, Vars: t.Vars, Key: t.Key, Reference: testReference}
}

// sendConfirmedTest sends the test of a token.
func (v *visit) sendConfirmedTest(w http.ResponseWriter, token string) error {
	var test testToken
	opened, err := v.tokens.openText(testPurpose, token)
	if err == nil {
		err = json.Unmarshal([]byte(opened), &test)
	}
	number, wrong := phone.Parse(test.Phone)
	if err != nil || wrong != nil {
		return failure{http.StatusBadRequest, "records.stale"}
	}
	if err := v.report(AuditEntry{Action: SendTest, Template: test.Template}); err != nil {
		return err
	}
	var id uuid.UUID
	err = v.finish(func(ctx context.Context) (err error) {
		id, err = v.config.Dispatcher.Send(ctx, test.trigger(number))
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, v.r, v.url("/records/"+id.String(), url.Values{"done": {string(SendTest)}}), http.StatusSeeOther)
	return nil
}
