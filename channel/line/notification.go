package line

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/jsontext"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// NotificationConfig configures a [Notification].
type NotificationConfig struct {
	// Name is the channel's name, for a dispatcher with several accounts. Defaults to
	// channel.LINENotify.
	Name channel.Name
	// Account is the sender. Its Secrets are required, because only LINE's calls report
	// that a message arrived.
	Account Account
	// Followers gets the people who follow the account and who have blocked it, because
	// LINE calls the same URL for that. Defaults to none.
	Followers Followers
	// AggregationUnits are the units that LINE counts messages by, for accounts that applied
	// for them: by template ID, and by "" for every other template. A unit is 1 to 30
	// letters, digits and underscores. Defaults to none.
	AggregationUnits AggregationUnits
	// Codes overrides meanings of LINE's refusals.
	Codes Codes
}

// Notification sends LINE Notification Messages, by telephone number. They are for facts
// that people need to know and never for advertising, and only for corporate accounts that
// applied for them. They are not the service called LINE Notify, which ended in 2025. It is
// safe for concurrent use.
//
// A [Templated] goes out as a LINE notification message (template). A [channel.Text] and
// [Messages] go out as a LINE notification message (flexible), which LINE must have
// reviewed before.
//
// LINE answers 200 or 202 whether or not the person will see the message, and calls back
// only when it was delivered. No call within 24 hours means that the person has blocked the
// account, or has not finished LINE's consent or its SMS verification. The step's wait ends
// such an attempt.
//
// The attempt's ID is the X-Line-Delivery-Tag, which LINE's call quotes, and the
// ProviderID. This API has no retry key, so a request without an answer is in doubt.
type Notification struct {
	name    channel.Name
	units   AggregationUnits
	api     *api
	webhook *webhook
}

var (
	_ channel.Channel        = (*Notification)(nil)
	_ channel.Receiver       = (*Notification)(nil)
	_ channel.ContentChecker = (*Notification)(nil)
)

// NewNotification returns a Notification, or all mistakes in the config.
func NewNotification(c NotificationConfig) (*Notification, error) {
	var bad configErrors
	c.Account.check("NotificationConfig.Account", &bad)
	if len(c.Account.Secrets) == 0 {
		bad.add("NotificationConfig.Account.Secrets is required")
	}
	c.AggregationUnits.check("NotificationConfig.AggregationUnits", &bad)
	rows := notificationCodes.merge(c.Codes, status.LINENotify, "NotificationConfig.Codes", &bad)
	if err := bad.err(); err != nil {
		return nil, err
	}
	name := cmp.Or(c.Name, channel.LINENotify)
	return &Notification{
		name:    name,
		units:   maps.Clone(c.AggregationUnits),
		api:     c.Account.newAPI(status.Accepted, rows),
		webhook: &webhook{secrets: slices.Clone(c.Account.Secrets), followers: c.Followers, deliveriesOf: name},
	}, nil
}

// Format prints the channel without its fields.
func (*Notification) Format(w fmt.State, _ rune) { mask.Write(w, "line.Notification{…}") }

// Name returns NotificationConfig.Name.
func (n *Notification) Name() channel.Name { return n.name }

// Traits returns the channel's traits. LINE keeps trying for 24 hours. The wait is uniform,
// because an early forward would reveal that a person does not use LINE.
func (*Notification) Traits() channel.Traits {
	return channel.Traits{Machine: status.LINENotify, UniformWait: true, Validity: 24 * time.Hour}
}

// CheckContent returns an error for content that is not a [channel.Text], [Messages] or
// [Templated], and for a text longer than LINE's 5,000 UTF-16 units. It also refuses
// messages of the types image, video and audio, which notification messages may not have.
func (*Notification) CheckContent(c channel.Content) error {
	switch c := c.(type) {
	case channel.Text:
		return withPrefix(checkText(c))
	case Messages:
		if err := c.Check(); err != nil {
			return err
		}
		list, _ := c.objects() // Check has parsed it
		return withPrefix(checkTypes(list))
	case Templated:
		return c.Check()
	default:
		return fmt.Errorf("line: content is a %T, want a channel.Text, line.Messages or line.Templated", c)
	}
}

// Send sends a notification message to a number. A number that LINE cannot match is
// Undeliverable, no_match.
func (n *Notification) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	path, body, hidden, err := n.requestFor(e.Content)
	if err != nil {
		return channel.Result{}, err
	}
	if e.To.Phone.IsZero() {
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	to := hashNumber(e.To.Phone)
	body["to"], _ = json.Marshal(to) // a string
	if units := n.units.unitsFor(e.Template); units != nil {
		body["customAggregationUnits"], _ = json.Marshal(units) // strings
	}
	id := e.AttemptID.String()
	answer, err := n.api.call(ctx, path, http.Header{"X-Line-Delivery-Tag": {id}}, body)
	if err != nil {
		return channel.Result{}, err
	}
	return n.api.resultOf(answer, id, append(hidden, to))
}

// requestFor returns the path and the body of a request, the body without its recipient.
func (*Notification) requestFor(c channel.Content) (path string, body map[string]json.RawMessage, hidden []string, err error) {
	if t, ok := c.(Templated); ok {
		body, err = t.object()
		if err != nil {
			return "", nil, nil, channel.Failed(status.TemplateConfig, err.Error())
		}
		return "/v2/bot/message/pnp/templated/push", body, jsontext.PersonalStrings(string(t), selectorKeys...), nil
	}
	content, err := newPayload(c)
	if err != nil {
		return "", nil, nil, err
	}
	if err := checkTypes(content.list); err != nil {
		return "", nil, nil, channel.Failed(status.TemplateConfig, err.Error())
	}
	return "/bot/pnp/push", map[string]json.RawMessage{"messages": content.json}, content.hidden, nil
}

// hashNumber returns a number in the form that notification messages are addressed by. It is
// the SHA-256 of the E.164 form with the plus sign, in lower-case hexadecimal ("Technical
// specifications of the LINE notification messages API"). A hash is as private as its
// number, because all numbers can be tried.
func hashNumber(n phone.Number) string {
	sum := sha256.Sum256([]byte(n.E164()))
	return hex.EncodeToString(sum[:])
}

// ReceiptHandler returns the handler for LINE's calls. Deliveries of our messages go to the
// sink. People who follow or have blocked the account go to Followers. It ignores
// everything else, and deliveries that quote no attempt of ours.
func (n *Notification) ReceiptHandler(sink channel.Sink) http.Handler {
	return n.webhook.handler(sink)
}
