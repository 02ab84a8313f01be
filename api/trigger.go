package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// triggered is the answer to a trigger, or a resend.
type triggered struct {
	ID uuid.UUID `json:"id"`
}

// triggeredMany is the answer to several triggers, in their order.
type triggeredMany struct {
	IDs []uuid.UUID `json:"ids"`
}

// triggerOne asks for a message.
func (c *call) triggerOne(w http.ResponseWriter) (answer, error) {
	if err := c.requireAllowed(Trigger); err != nil {
		return answer{}, err
	}
	key, err := parseKey(c.r.Header)
	if err != nil {
		return answer{}, err
	}
	o, release, err := c.readObject(w)
	if err != nil {
		return answer{}, err
	}
	defer release()
	tr := c.readTrigger(o)
	tr.Key = key
	if err := o.check(codeInvalidRequest); err != nil {
		return answer{}, err
	}
	if err := c.reportTriggers(tr); err != nil {
		return answer{}, err
	}
	id, err := c.config.Dispatcher.Send(c.ctx, tr)
	switch {
	case errors.Is(err, smsplus.ErrInvalidTrigger):
		return answer{}, newProblem(codeInvalidTrigger, "", triggerMistakes(err, "#", true)...)
	case err != nil:
		return answer{}, err
	}
	a := newAnswer(http.StatusAccepted, triggered{id})
	a.header.Set("Location", "messages/"+id.String())
	return a, nil
}

// triggerMany asks for many messages, all or nothing.
func (c *call) triggerMany(w http.ResponseWriter) (answer, error) {
	if err := c.requireAllowed(Trigger); err != nil {
		return answer{}, err
	}
	common, err := parseKey(c.r.Header)
	if err != nil {
		return answer{}, err
	}
	o, release, err := c.readObject(w)
	if err != nil {
		return answer{}, err
	}
	defer release()
	var trs []smsplus.Trigger
	for i, one := range o.children("triggers", c.config.MaxTriggers) {
		key := one.text("key")
		if key == "" && common != "" {
			key = common + "/" + strconv.Itoa(i)
		}
		tr := c.readTrigger(one)
		tr.Key = key
		trs = append(trs, tr)
	}
	if err := o.check(codeInvalidRequest); err != nil {
		return answer{}, err
	}
	if err := c.reportTriggers(trs...); err != nil {
		return answer{}, err
	}
	ids, err := c.config.Dispatcher.SendMany(c.ctx, trs)
	if err != nil {
		return answer{}, problemOfMany(err)
	}
	return newAnswer(http.StatusAccepted, triggeredMany{ids}), nil
}

// problemOfMany returns the error of a SendMany with the triggers that it names.
func problemOfMany(err error) error {
	code := codeInvalidTrigger
	switch {
	case errors.Is(err, smsplus.ErrInvalidTrigger):
	case errors.Is(err, smsplus.ErrKeyReused):
		code = codeKeyReused
	default:
		return err
	}
	var all []mistake
	for _, one := range splitErrors(err) {
		var i int
		if _, err := fmt.Sscanf(one.Error(), "trigger %d:", &i); err != nil {
			continue
		}
		pointer, inner := fmt.Sprintf("#/triggers/%d", i), errors.Unwrap(one)
		if errors.Is(inner, smsplus.ErrKeyReused) {
			all = append(all, mistake{Pointer: pointer + keyPointer, Detail: "was used for another message"})
			continue
		}
		all = append(all, triggerMistakes(inner, pointer, false)...)
	}
	return newProblem(code, "nothing was stored", all...)
}

// readTrigger returns the trigger that an object is, without its key.
func (c *call) readTrigger(o *object) smsplus.Trigger {
	tr := smsplus.Trigger{
		Template: o.requiredText("template"), Vars: o.texts("vars"), Reference: o.text("reference"), SendAt: o.instant("send_at"),
		TTL: o.seconds("ttl_seconds"), Metadata: o.texts("metadata"),
	}
	if _, ok := o.fields["to"]; !ok {
		o.add("is required", "to")
	}
	to := o.child("to")
	tr.To.Phone = c.readNumber(to, "phone")
	if ids := to.texts("ids"); len(ids) > 0 {
		tr.To.IDs = make(map[channel.Name]string, len(ids))
		for name, id := range ids {
			tr.To.IDs[channel.Name(name)] = id
		}
	}
	to.end()
	o.end()
	return tr
}

// readNumber returns the telephone number in a field.
func (c *call) readNumber(o *object, name string) phone.Number {
	s := o.text(name)
	if s == "" {
		return phone.Number{}
	}
	n, err := phone.Parse(s)
	want := "must be a number in E.164, such as +886912345678"
	if region := c.config.Region; err != nil && region != "" {
		n, err = national.Parse(s, region)
		want += ", or one of " + region
	}
	if err != nil {
		o.add(want, name)
	}
	return n
}

// check returns a problem if the body has mistakes.
func (o *object) check(code problemCode) error {
	o.end()
	if len(*o.mistakes) == 0 {
		return nil
	}
	return newProblem(code, "", *o.mistakes...)
}

// newAnswer returns an answer whose body is JSON.
func newAnswer(code int, body any) answer {
	a := answer{code: code, header: http.Header{"Content-Type": {"application/json"}}}
	a.body, _ = json.Marshal(body) // every body is of types that can be encoded
	return a
}
