package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// allActions are the ones that Config.Allow decides about.
var allActions = []Action{Cancel, Resend, Pause, Resume, Erase, SendTest}

// actionText holds the keys of an action's texts.
type actionText struct{ open, question, effect, button, done string }

// actionTexts are the texts of the actions. Those of Pause and Resume lack a link, because
// pages name what is paused.
var actionTexts = map[Action]actionText{
	Cancel:   {"actions.cancel.open", "actions.cancel.question", "actions.cancel.effect", "actions.cancel", "done.cancel"},
	Resend:   {"actions.resend.open", "actions.resend.question", "actions.resend.effect", "actions.resend", "done.resend"},
	Pause:    {"", "actions.pause.question", "actions.pause.effect", "actions.pause", "done.pause"},
	Resume:   {"", "actions.resume.question", "actions.resume.effect", "actions.resume", "done.resume"},
	Erase:    {"", "actions.erase.question", "actions.erase.effect", "actions.erase", "done.erase"},
	SendTest: {"", "actions.send_test.question", "actions.send_test.effect", "actions.send_test", "done.send_test"},
}

// errNotAllowed is what a viewer is shown who may not take an action.
var errNotAllowed = failure{http.StatusForbidden, "actions.forbidden"}

// may reports whether the viewer may take an action.
func (v *visit) may(a Action) bool {
	if a == Erase {
		if _, ok := v.config.Store.(smsplus.Eraser); !ok {
			return false
		}
	}
	return v.config.Dispatcher != nil && v.config.Allow(v.r, a)
}

// mayAct reports whether the viewer may take any action.
func (v *visit) mayAct() bool { return slices.ContainsFunc(allActions, v.may) }

// handleActions adds the pages of the actions. Each is a form, a page that asks whether it
// is meant, and the action itself. The last is a POST, and none of them needs JavaScript.
func handleActions(handle func(pattern string, a action)) {
	handle("GET /actions", (*visit).showActions)
	for _, a := range []Action{Cancel, Resend, Pause, Resume} {
		handle("GET /actions/"+string(a), func(v *visit, w http.ResponseWriter) error { return v.confirmAction(w, a) })
		handle("POST /actions/"+string(a), func(v *visit, w http.ResponseWriter) error { return v.takeAction(w, a) })
	}
	handle("POST /actions/erase", (*visit).erase)
	handle("GET /actions/test", (*visit).showTest)
	handle("POST /actions/test", (*visit).sendTest)
}

// actionsPage is the content of "actions.html".
type actionsPage struct {
	Layout layout
	// May holds the actions that the viewer may take.
	May    map[string]bool
	Paused []pauseRow
	// Channels and Templates can be paused.
	Channels, Templates []navItem
	Erase               eraseForm
	// Tests are the templates that a test can be sent of.
	Tests []navItem
	// Errors are the texts about the fields, by the field's name.
	Errors map[string]string
}

// showActions answers with what the viewer may do.
func (v *visit) showActions(w http.ResponseWriter) error {
	return v.answerActions(w, http.StatusOK, eraseForm{}, map[string]string{})
}

// answerActions answers with the page of actions. What was typed wrongly is shown with an
// error.
func (v *visit) answerActions(w http.ResponseWriter, code int, erase eraseForm, wrong map[string]string) error {
	if !v.mayAct() {
		return errNotAllowed
	}
	page := actionsPage{
		Layout: v.layout("actions.title", "actions.title"), May: map[string]bool{}, Erase: erase, Errors: wrong,
	}
	for _, a := range allActions {
		page.May[string(a)] = v.may(a)
	}
	pauses, err := v.reader.Pauses(v.ctx)
	if err != nil {
		return err
	}
	page.Paused = v.pauseRows(pauses)
	offer := func(p smsplus.Pause) []navItem {
		if slices.ContainsFunc(pauses, func(o smsplus.Pause) bool { return o.Channel == p.Channel && o.Template == p.Template }) {
			return nil
		}
		return []navItem{{Label: v.pauseName(p), URL: v.pauseURL(Pause, p)}}
	}
	channels, err := v.channels("")
	if err != nil {
		return err
	}
	for _, c := range channels {
		page.Channels = append(page.Channels, offer(smsplus.Pause{Channel: c})...)
	}
	for t := range v.config.Dispatcher.Templates() {
		page.Templates = append(page.Templates, offer(smsplus.Pause{Template: t.ID})...)
		page.Tests = append(page.Tests, navItem{Label: t.ID, Value: t.ID})
	}
	page.Erase.Countries = v.countries(erase.region)
	for _, c := range channels {
		page.Erase.Channels = append(page.Erase.Channels, navItem{Label: v.channelLabel(c), Value: string(c), IsCurrent: c == erase.channel})
	}
	return v.render(w, code, "actions", page)
}

// pauseURL returns the page that asks whether a channel or a template is to be paused or
// resumed.
func (v *visit) pauseURL(a Action, p smsplus.Pause) string {
	q := url.Values{}
	setUnlessEmpty(q, "channel", string(p.Channel))
	setUnlessEmpty(q, "template", p.Template)
	return v.url("/actions/"+string(a), q)
}

// messageActions returns links to what the viewer may do about a message.
func (v *visit) messageActions(m *smsplus.Message) []navItem {
	var links []navItem
	for _, a := range []Action{Cancel, Resend} {
		if refused(a, m) == nil && v.may(a) {
			link := v.url("/actions/"+string(a), url.Values{"message": {m.ID.String()}})
			links = append(links, navItem{Label: v.text(actionTexts[a].open), URL: link})
		}
	}
	return links
}

// refused returns why an action makes no sense for a message as it is now, or nil.
func refused(a Action, m *smsplus.Message) error {
	ended := m.HasEnded()
	switch {
	case a == Cancel && ended:
		return failure{http.StatusConflict, "actions.ended"}
	case a == Cancel && !m.CanceledAt.IsZero():
		return failure{http.StatusConflict, "actions.canceled"}
	case a == Resend && m.ResentAs != uuid.UUID{}:
		return failure{http.StatusConflict, "actions.resent"}
	case a == Resend && m.Status == status.Delivered:
		return failure{http.StatusConflict, "actions.delivered"}
	case a == Resend && !ended:
		return failure{http.StatusConflict, "actions.underWay"}
	}
	return nil
}

// target is what an action is about: a message, or what a pause stops.
type target struct {
	messageID uuid.UUID
	pause     smsplus.Pause
}

// parseTarget returns the target that a form names.
func parseTarget(a Action, form url.Values) (target, error) {
	if a == Cancel || a == Resend {
		id, err := uuid.Parse(strings.TrimSpace(form.Get("message")))
		if err != nil {
			return target{}, failure{http.StatusBadRequest, "actions.noMessage"}
		}
		return target{messageID: id}, nil
	}
	p := smsplus.Pause{Channel: channel.Name(form.Get("channel")), Template: form.Get("template")}
	if p.Check() != nil {
		return target{}, failure{http.StatusBadRequest, "actions.noPause"}
	}
	return target{pause: p}, nil
}

// maxNote is the most bytes of a pause's note.
const maxNote = 255

// setNote adds to a pause who asked for it, and why. A long note is cut.
func (t *target) setNote(user, why string) {
	note := strings.ToValidUTF8(strings.Join(strings.Fields(user+": "+why), " "), "")
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "")
	}
	t.pause.Note = strings.TrimSuffix(note, ":")
}

// confirmPage is the content of "confirm.html": a page that asks whether an action is meant.
type confirmPage struct {
	Layout layout
	// Effects say in sentences what the action does.
	Effects []string
	Fields  []storyField
	// Path takes the form, with the hidden fields.
	Path   string
	Hidden []hiddenField
	// AsksWhy adds a field for a note.
	AsksWhy bool
	Button  string
	// BackURL leads back without the action.
	BackURL string
}

// hiddenField is a field of a form that the viewer does not see.
type hiddenField struct{ Name, Value string }

// newConfirmPage returns the page that asks whether an action is meant.
func (v *visit) newConfirmPage(a Action, effects ...string) confirmPage {
	return confirmPage{
		Layout: v.layout(actionTexts[a].question, "actions.title"), Effects: effects,
		Button: v.text(actionTexts[a].button), BackURL: v.path("/actions"),
	}
}

// confirmAction asks whether the viewer means an action.
func (v *visit) confirmAction(w http.ResponseWriter, a Action) error {
	if !v.may(a) {
		return errNotAllowed
	}
	v.reveal = false // the page needs no number to be understood
	t, err := parseTarget(a, v.r.URL.Query())
	if err != nil {
		return err
	}
	page := v.newConfirmPage(a)
	page.Path = v.path("/actions/" + string(a))
	switch a {
	case Cancel, Resend:
		m, err := v.reader.Record(v.ctx, t.messageID)
		if err != nil {
			return err
		}
		if err := refused(a, &m); err != nil {
			return err
		}
		page.Effects = []string{v.text(actionTexts[a].effect)}
		page.Fields = []storyField{
			{Label: v.text("record.to"), Value: v.recipientLabel(&m)},
			{Label: v.text("stats.template"), Value: m.Template},
			{Label: v.text("meaning.status"), Value: v.text("status." + m.Status.String())},
			{Label: v.text("record.triggered"), At: v.moment(m.TriggeredAt)},
		}
		page.Hidden = []hiddenField{{"message", m.ID.String()}}
		page.BackURL = v.path("/records/" + m.ID.String())
	default:
		page.Effects = []string{v.text(actionTexts[a].effect, v.pauseName(t.pause))}
		page.Hidden = []hiddenField{{"channel", string(t.pause.Channel)}, {"template", t.pause.Template}}
		page.AsksWhy = a == Pause
	}
	return v.render(w, http.StatusOK, "confirm", page)
}

// takeAction does what the viewer has confirmed, once it is in the audit log.
func (v *visit) takeAction(w http.ResponseWriter, a Action) error {
	if !v.may(a) {
		return errNotAllowed
	}
	if err := v.r.ParseForm(); err != nil {
		return failure{http.StatusBadRequest, "error.form"}
	}
	t, err := parseTarget(a, v.r.PostForm)
	if err != nil {
		return err
	}
	if err := v.report(AuditEntry{Action: a, Message: t.messageID, Channel: t.pause.Channel, Template: t.pause.Template}); err != nil {
		return err
	}
	next := "/actions"
	err = v.finish(func(ctx context.Context) (err error) {
		d := v.config.Dispatcher
		switch a {
		case Cancel:
			next = "/records/" + t.messageID.String()
			return d.Cancel(ctx, t.messageID)
		case Resend:
			var as uuid.UUID
			as, err = d.Resend(ctx, t.messageID)
			next = "/records/" + as.String()
			return err
		case Pause:
			t.setNote(v.user, v.r.PostForm.Get("why"))
			return d.Pause(ctx, t.pause)
		default:
			return d.Resume(ctx, t.pause)
		}
	})
	if err != nil {
		return err
	}
	http.Redirect(w, v.r, v.url(next, url.Values{"done": {string(a)}}), http.StatusSeeOther)
	return nil
}

// finish runs the last part of an action. It ends with the deadline, and not with the
// request: a viewer who leaves does not cut it off. Its error is one that viewers are shown.
func (v *visit) finish(act func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), v.config.Timeout)
	defer cancel()
	err := act(ctx)
	if err == nil {
		return nil
	}
	if key := refusalOf(err); key != "" {
		return failure{http.StatusConflict, key}
	}
	f := failureOf(err)
	if f.code >= http.StatusInternalServerError {
		v.config.Logger.ErrorContext(ctx, "console: action failed", "page", v.page(), "err", err)
		return failure{f.code, "actions.maybe"}
	}
	return f
}

// refusalOf returns the key of the text for an error by which the dispatcher refuses an
// action, or "".
func refusalOf(err error) string {
	switch {
	case errors.Is(err, smsplus.ErrEnded):
		return "actions.ended"
	case errors.Is(err, smsplus.ErrDelivered):
		return "actions.delivered"
	case errors.Is(err, smsplus.ErrNotFinal):
		return "actions.underWay"
	case errors.Is(err, smsplus.ErrInvalidTrigger):
		return "actions.invalid"
	}
	return ""
}

// partErased is the value of the parameter "done" when Erase left messages alone.
const partErased = "erase_part"

// doneText returns the sentence that says that an action was taken, if the URL says so.
func (v *visit) doneText() string {
	q := v.r.URL.Query()
	n, _ := strconv.Atoi(q.Get("n"))
	switch done := q.Get("done"); done {
	case string(Erase):
		return v.text("done.erase", formatCount(n))
	case partErased:
		return v.text("done.erase.part", formatCount(n))
	default:
		if texts, ok := actionTexts[Action(done)]; ok {
			return v.text(texts.done)
		}
		return ""
	}
}
