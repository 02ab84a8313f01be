package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// eraseForm is the form that names a person to erase.
type eraseForm struct {
	Countries, Channels []navItem
	// Number and PersonID are what was typed, if it is wrong.
	Number, PersonID string

	region  string
	channel channel.Name
}

// erasePurpose is the purpose of the tokens of persons to erase.
const erasePurpose = "erase"

// personToken is what a token of a person holds.
type personToken struct {
	Phone   string       `json:"p,omitempty"` // in E.164
	Channel channel.Name `json:"c,omitempty"`
	ID      string       `json:"i,omitempty"`
}

// recipient returns the person.
func (t personToken) recipient() (channel.Recipient, error) {
	if t.Phone == "" {
		return channel.Recipient{IDs: map[channel.Name]string{t.Channel: t.ID}}, nil
	}
	n, err := phone.Parse(t.Phone)
	return channel.Recipient{Phone: n}, err
}

// erase takes the form that names a person, and asks whether it is meant. The answer comes
// here too, with a token of the person, so that no page holds the number.
func (v *visit) erase(w http.ResponseWriter) error {
	if !v.may(Erase) {
		return errNotAllowed
	}
	if err := v.r.ParseForm(); err != nil {
		return failure{http.StatusBadRequest, "error.form"}
	}
	form := v.r.PostForm
	if token := form.Get("person"); token != "" {
		return v.erasePerson(w, token)
	}
	number, id := strings.TrimSpace(form.Get("number")), strings.TrimSpace(form.Get("id"))
	typed := eraseForm{Number: number, PersonID: id, region: form.Get("region"), channel: channel.Name(form.Get("channel"))}
	var person personToken
	var f smsplus.Filter
	var label string
	switch {
	case number != "" && id != "":
		return v.answerActions(w, http.StatusBadRequest, typed, map[string]string{"number": v.text("actions.onePerson")})
	case id != "" && typed.channel != "":
		person, f = personToken{Channel: typed.channel, ID: id}, smsplus.Filter{RecipientID: id}
		label = v.text("records.idOn", v.channelLabel(typed.channel))
	default:
		n, err := national.Parse(number, typed.region)
		if err != nil {
			return v.answerActions(w, http.StatusBadRequest, typed, map[string]string{"number": v.text("records.wrongNumber")})
		}
		person, f, label = personToken{Phone: n.E164()}, smsplus.Filter{Phone: n}, n.String()
	}
	stats, err := v.store.Stats(v.ctx, f)
	if err != nil {
		return err
	}
	var sum smsplus.TemplateStats
	for _, s := range stats {
		sum = sum.Plus(s)
	}
	sealed, err := json.Marshal(person)
	if err != nil {
		return err
	}
	page := v.newConfirmPage(Erase, v.text(actionTexts[Erase].effect), v.text("actions.erase.stays"))
	page.Path, page.Hidden = v.path("/actions/erase"), []hiddenField{{"person", v.tokens.sealText(erasePurpose, string(sealed))}}
	page.Fields = []storyField{
		{Label: v.text("record.to"), Value: label},
		{Label: v.text("actions.messages"), Value: formatCount(sum.Triggered)},
		{Label: v.text("stats.sending"), Value: formatCount(sum.Preparing + sum.Accepted)},
	}
	return v.render(w, http.StatusOK, "confirm", page)
}

// erasePerson erases the person of a token.
func (v *visit) erasePerson(w http.ResponseWriter, token string) error {
	var person personToken
	opened, err := v.tokens.openText(erasePurpose, token)
	if err == nil {
		err = json.Unmarshal([]byte(opened), &person)
	}
	to, wrong := person.recipient()
	if err != nil || wrong != nil {
		return failure{http.StatusBadRequest, "records.stale"}
	}
	if err := v.report(AuditEntry{Action: Erase}); err != nil {
		return err
	}
	done := string(Erase)
	var erased int
	err = v.finish(func(ctx context.Context) error {
		var err error
		erased, err = v.config.Store.(smsplus.Eraser).Erase(ctx, to)
		if errors.Is(err, smsplus.ErrNotFinal) {
			done, err = partErased, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, v.r, v.url("/actions", url.Values{"done": {done}, "n": {strconv.Itoa(erased)}}), http.StatusSeeOther)
	return nil
}
