package line

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// PushConfig configures a [Push].
type PushConfig struct {
	// Name is the channel's name, for a dispatcher with several accounts. Defaults to
	// channel.LINEPush. A LINE user ID belongs to it: LINE gives a person another one in
	// each provider (Get user IDs, "What is a user ID").
	Name channel.Name
	// Account is the sender.
	Account Account
	// Contacts finds a number's LINE user, and knows who has blocked the account. If it is
	// also a [Followers], as [Directory] is, [Push.ReceiptHandler] keeps it up to date.
	// Without it people are reached by the ID on the channel's Name in channel.Recipient.IDs
	// alone, and no person is known to have blocked the account. Defaults to none.
	Contacts Contacts
	// CheckProfile makes Push ask LINE for the person's profile before each message,
	// because LINE answers 200 to a message for a person who has blocked the account.
	//
	// LINE answers 404 for a person who blocked the account or never was a friend. It also
	// has no profile of the few people who use LINE on a PC alone ("Consent on getting user
	// profile information"); they count as blocked. Defaults to not asking.
	CheckProfile bool
	// AggregationUnits are the units that LINE counts messages by, for accounts that applied
	// for them: by template ID, and by "" for every other template. A unit is 1 to 30
	// letters, digits and underscores. Defaults to none.
	AggregationUnits AggregationUnits
	// Codes overrides meanings of LINE's refusals.
	Codes Codes
}

// Push sends push messages of LINE's Messaging API, by LINE user ID. It is safe for
// concurrent use.
//
// The answer is the outcome: 200 is Delivered, although LINE only says that it has the
// message. LINE sends no receipt for a push, delivered or read, so there is no ProviderID.
// A push to a person who has blocked the account is known only from Contacts or with
// CheckProfile.
//
// The attempt's ID is the X-Line-Retry-Key, from the first request on. LINE takes a message
// once however often it is sent. It answers 409 to a repeat, which is a success too. LINE
// knows the key for 24 hours; a later repeat would be another message.
type Push struct {
	name          channel.Name
	units         AggregationUnits
	api           *api
	webhook       *webhook
	contacts      Contacts
	checksProfile bool
}

var (
	_ channel.Channel        = (*Push)(nil)
	_ channel.Receiver       = (*Push)(nil)
	_ channel.ContentChecker = (*Push)(nil)
)

// NewPush returns a Push, or all mistakes in the config.
func NewPush(c PushConfig) (*Push, error) {
	var bad configErrors
	c.Account.check("PushConfig.Account", &bad)
	c.AggregationUnits.check("PushConfig.AggregationUnits", &bad)
	rows := pushCodes.merge(c.Codes, status.LINEPush, "PushConfig.Codes", &bad)
	if err := bad.err(); err != nil {
		return nil, err
	}
	followers, _ := c.Contacts.(Followers)
	return &Push{
		name:          cmp.Or(c.Name, channel.LINEPush),
		units:         maps.Clone(c.AggregationUnits),
		api:           c.Account.newAPI(status.Delivered, rows),
		webhook:       &webhook{secrets: slices.Clone(c.Account.Secrets), followers: followers},
		contacts:      c.Contacts,
		checksProfile: c.CheckProfile,
	}, nil
}

// Format prints the channel without its fields.
func (*Push) Format(w fmt.State, _ rune) { mask.Write(w, "line.Push{…}") }

// Name returns PushConfig.Name.
func (p *Push) Name() channel.Name { return p.name }

// Traits returns the channel's traits. Push is idempotent.
func (*Push) Traits() channel.Traits {
	return channel.Traits{Machine: status.LINEPush, Idempotent: true}
}

// CheckContent returns an error for content that is neither a [channel.Text] nor
// [Messages], and for a text longer than LINE's 5,000 UTF-16 units.
func (*Push) CheckContent(c channel.Content) error {
	switch c := c.(type) {
	case channel.Text:
		return withPrefix(checkText(c))
	case Messages:
		return c.Check()
	default:
		return fmt.Errorf("line: content is a %T, want a channel.Text or line.Messages", c)
	}
}

// Send pushes a message. A number with no LINE user, or with several, is no_contact.
func (p *Push) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	content, err := newPayload(e.Content)
	if err != nil {
		return channel.Result{}, err
	}
	to, err := p.findUser(ctx, e.To)
	if err != nil {
		return channel.Result{}, err
	}
	hidden := append(content.hidden, to)
	if p.checksProfile {
		if err := p.checkProfile(ctx, to, hidden); err != nil {
			return channel.Result{}, err
		}
	}
	header := http.Header{"X-Line-Retry-Key": {e.AttemptID.String()}}
	body := map[string]any{"to": to, "messages": content.json}
	if units := p.units.unitsFor(e.Template); units != nil {
		body["customAggregationUnits"] = units
	}
	answer, err := p.api.call(ctx, "/v2/bot/message/push", header, body)
	if err != nil {
		return channel.Result{}, err
	}
	return p.api.resultOf(answer, "", hidden)
}

// groupIDPattern matches the ID of a group or of a multi-person chat ("Source object"). A
// push would reach them, but a message is for one person.
var groupIDPattern = regexp.MustCompile(`^[CR][0-9a-f]{32}$`)

// findUser returns the LINE user ID of a recipient who can be reached.
func (p *Push) findUser(ctx context.Context, to channel.Recipient) (string, error) {
	id := to.IDs[p.name]
	if id == "" && (to.Phone.IsZero() || p.contacts == nil) {
		return "", channel.Undeliverable(status.NoContact, "there is no LINE user ID, and nothing to find one by")
	}
	if groupIDPattern.MatchString(id) {
		return "", channel.Undeliverable(status.NoContact, "the LINE user ID is that of a group or a room")
	}
	c := Contact{UserID: id}
	var err error
	switch {
	case p.contacts == nil:
	case id != "":
		c.Blocked, err = p.contacts.Blocked(ctx, id)
	default:
		var found []Contact
		found, err = p.contacts.ByPhone(ctx, to.Phone)
		if err == nil && len(found) != 1 {
			return "", channel.Undeliverable(status.NoContact, fmt.Sprintf("%d LINE users belong to the number", len(found)))
		}
		if err == nil {
			c = found[0]
		}
	}
	if err != nil {
		words := httpapi.Words(err.Error(), to.Phone.E164(), id)
		return "", channel.Temporary(errors.New("the contacts could not be asked: "+words), 0)
	}
	if c.Blocked {
		return "", channel.Undeliverable(status.Blocked, "the person has blocked the account")
	}
	return c.UserID, nil
}

// checkProfile returns an error if LINE has no profile of the user for the account, or
// cannot answer. It ignores other refusals: the message itself will meet them.
func (p *Push) checkProfile(ctx context.Context, id string, hidden []string) error {
	answer, err := p.api.call(ctx, "/v2/bot/profile/"+url.PathEscape(id), nil, nil)
	switch {
	case err != nil: // in doubt or not: no message was sent
		return channel.Temporary(fmt.Errorf("no profile: %w", errors.Unwrap(err)), 0)
	case answer.Code == http.StatusNotFound:
		return channel.Undeliverable(status.Blocked, "no profile: the person has blocked the account, or is no friend of it")
	case answer.Code == http.StatusTooManyRequests, answer.Code/100 == 5:
		return channel.Temporary(errors.New("no profile: "+p.api.detailOf(answer, hidden)), answer.RetryAfter())
	default:
		return nil
	}
}

// ReceiptHandler returns a handler for LINE's calls that updates Contacts with the people
// who follow and who have blocked the account, if it is a [Followers]. It never calls the
// sink. If the account also sends notification messages, mount that channel's handler
// instead.
func (p *Push) ReceiptHandler(channel.Sink) http.Handler {
	return p.webhook.handler(nil)
}
