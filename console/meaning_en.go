package console

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// englishMeanings say what to tell a person who calls, and when to call the technical team.
var englishMeanings = meanings{
	statuses: map[status.Status]map[channel.Name]meaning{
		status.Preparing: {
			"": {
				"The message is being prepared. There is no result yet.",
				"It is sent when its turn comes. A temporary fault is tried again.",
				"Wait. If many stay so for minutes, look at Operations.",
			},
			channel.LINEPush:   {Happened: "The message is on its way to LINE, which has not answered yet."},
			channel.LINENotify: {Happened: "The message is on its way to LINE, which has not answered yet."},
			channel.WhatsApp:   {Happened: "The message waits for its turn on WhatsApp."},
			channel.SMS:        {Happened: "The message is on its way to the carrier, which has not answered yet."},
		},
		status.Accepted: {
			"": {
				"The provider has the message. Whether the person has it is not known yet.",
				"The provider reports the delivery. If it does not within the waiting time, the next channel follows, if there is one.",
				"Wait for the report.",
			},
			channel.LINENotify: {
				Happened: "LINE has the message. The person may have to answer LINE's question, or verify the number, before it is shown.",
				Next:     "If LINE reports no delivery within the waiting time, the next channel follows, if there is one.",
			},
			channel.WhatsApp: {
				Happened: "WhatsApp has the message, and delivers it when the phone is online.",
			},
			channel.SMS: {
				Happened: "The carrier has the message, and tries to reach the phone.",
				Next:     "The carrier tries again by itself, for about two days. Only its final word counts.",
			},
		},
		status.Failed: {
			"": {
				"The template is configured wrongly, or the system has a fault. The person is not to blame.",
				"The message stops here, unless its template says that the next channel follows.",
				"Tell the technical team. When it is mended, the message can be sent again.",
			},
		},
		status.Undeliverable: {
			"": {
				"This channel cannot reach the person, or the data is wrong.",
				"The next channel follows at once, if there is one.",
				"Read the reason.",
			},
			channel.LINENotify: {
				Next: "The next channel follows when the waiting time is over, and no sooner, so that the timing tells nobody who uses LINE.",
			},
		},
		status.Delivered: {
			"": {
				"The message reached the person.",
				"Nothing more is sent.",
				"Nothing.",
			},
			channel.LINEPush:   {Happened: "LINE delivered the message to the person's chat. LINE does not report reads."},
			channel.LINENotify: {Happened: "LINE delivered the message to the person. LINE does not report reads."},
			channel.WhatsApp: {
				Happened: "The message is on the person's phone.",
				Next:     "Nothing more is sent. WhatsApp reports the read, if the person allows it.",
			},
			channel.SMS: {Happened: "The carrier reported that the phone has the message. SMS has no reads."},
		},
	},
	reasons: map[status.Reason]map[channel.Name]meaning{
		status.NoContact: {
			"":                 {Happened: "The number belongs to no contact on this channel, or to several.", Do: "Nothing for one person. For everybody: ask the technical team."},
			channel.LINEPush:   {Happened: "No single LINE friend belongs to the number: the person is no friend of the account, or the number is linked to several.", Do: "Nothing: the next channel follows. Ask the person to add the account and to bind the number."},
			channel.LINENotify: {Happened: "LINE knows no person by what it was given."},
			channel.WhatsApp:   {Happened: "The number is not on WhatsApp, the person has not accepted its terms, or the app is very old.", Do: "Nothing: the next channel follows."},
			channel.SMS:        {Happened: "The carrier knows no person by what it was given."},
		},
		status.Blocked: {
			"":                 {Happened: "The person blocked the sender, or the provider holds its messages back.", Do: "Respect it. If there are many, review what is sent."},
			channel.LINEPush:   {Happened: "The person has blocked the LINE account."},
			channel.LINENotify: {Happened: "LINE holds messages to this person back."},
			channel.WhatsApp:   {Happened: "WhatsApp holds the message back: the person stopped marketing messages, or got many from other senders.", Do: "Respect it. If it happens to necessary messages, have the template's category checked."},
			channel.SMS:        {Happened: "The person replied STOP, or the number takes no such messages.", Do: "Respect it. The person can reply START."},
		},
		status.QuotaExceeded: {
			"":                 {Happened: "The account's quota, or its balance, is used up. Nobody gets messages on this channel meanwhile.", Do: "Tell the technical team at once: top up, or raise the limit."},
			channel.LINEPush:   {Happened: "The LINE account has used up its messages of this month.", Do: "Tell the technical team: buy messages, or wait for next month. Everybody gets the next channel until then."},
			channel.LINENotify: {Happened: "The LINE account has used up its messages of this month."},
			channel.WhatsApp:   {Happened: "WhatsApp limits the account, mostly because of the quality of its templates.", Do: "Tell the technical team: look at quality and limits in WhatsApp Manager."},
			channel.SMS:        {Happened: "The SMS account has no points or balance left, or a daily cap is reached.", Do: "Tell the technical team at once: buy points."},
		},
		status.Unverified: {
			"":                 {Happened: "The person did not finish the channel's verification.", Do: "Nothing. The person can finish it for the next message."},
			channel.LINENotify: {Happened: "The person did not verify the number in LINE in time."},
		},
		status.NoMatch: {
			"":                 {Happened: "The number matches no account of the channel.", Do: "Nothing: not everybody uses it."},
			channel.LINEPush:   {Happened: "LINE could not match the number."},
			channel.LINENotify: {Happened: "LINE could not match the number: it has no LINE account, refuses notification messages, or has not agreed to LINE's terms. LINE does not say which."},
			channel.WhatsApp:   {Happened: "WhatsApp could not match the number."},
		},
		status.InvalidNumber: {
			"":               {Happened: "The number does not exist, or cannot get such messages.", Do: "Ask the person for the right number, and correct it where it comes from."},
			channel.SMS:      {Happened: "The number does not exist, or is no mobile number."},
			channel.WhatsApp: {Happened: "The number cannot get WhatsApp messages from this sender: it is none, or the sender's own."},
		},
		status.ContentRejected: {
			"":                 {Happened: "The provider or the carrier refused the content.", Do: "Tell whoever writes the template. If it happens to everybody, the template is wrong."},
			channel.LINEPush:   {Happened: "LINE refused the content, for example an empty or too long text once the values are in."},
			channel.LINENotify: {Happened: "LINE refused an item of the message once the values are in."},
			channel.WhatsApp:   {Happened: "WhatsApp refused the values, or could not fetch the picture or file."},
			channel.SMS:        {Happened: "The text is empty, too long, or was filtered as unwanted.", Do: "Shorten the text, and look at its links. Do not send it again unchanged."},
		},
		status.CarrierError: {
			"":                 {Happened: "The provider gave up, for a reason that it does not say.", Do: "Nothing for one person. If there are many, ask the provider, with the provider's IDs."},
			channel.LINEPush:   {Happened: "LINE refused the message in words that are not known."},
			channel.LINENotify: {Happened: "LINE refused the message in words that are not known."},
			channel.WhatsApp:   {Happened: "WhatsApp could not deliver, and does not say why."},
			channel.SMS:        {Happened: "The carrier gave up: no signal, the phone is off, or an unknown fault."},
		},
		status.TemplateMismatch: {
			"":                 {Happened: "The values do not fit the template at the provider.", Do: "Tell the technical team: somebody may have edited the template at the provider."},
			channel.LINENotify: {Happened: "LINE has no such template for this account any more."},
			channel.WhatsApp:   {Happened: "The values do not fit the approved template, or it was edited, paused or removed.", Do: "Tell the technical team: compare the template in WhatsApp Manager."},
		},
		status.Permission: {
			"":                 {Happened: "The account may not send this, or not to this country.", Do: "Tell the technical team: look at the account at the provider."},
			channel.LINEPush:   {Happened: "The LINE account or its plan does not allow this message."},
			channel.LINENotify: {Happened: "The LINE account is not enabled for this form of notification message."},
			channel.WhatsApp:   {Happened: "The WhatsApp account is restricted, unpaid, or not registered for this number or country."},
			channel.SMS:        {Happened: "The sender is not registered, the country is not enabled, or the account is suspended."},
		},
		status.Authorization: {
			"":               {Happened: "The provider refused the credentials. Nobody gets messages on this channel meanwhile.", Do: "Tell the technical team at once: renew the token or the password."},
			channel.WhatsApp: {Happened: "WhatsApp refused the token: it has expired or lost its rights. Nobody gets messages there meanwhile."},
			channel.SMS:      {Happened: "The SMS provider refused user name or password. Nobody gets SMS meanwhile."},
		},
		status.TemplateConfig: {
			"":               {Happened: "The template and the channel do not fit together, or a value is missing.", Do: "Tell the technical team: the template has to be mended."},
			channel.WhatsApp: {Happened: "The template is no approved WhatsApp template, or is put together wrongly."},
		},
		status.SystemError: {
			"": {Happened: "The channel failed until its tries, or its time, were used up.", Do: "Tell the technical team, with the message ID. When it is mended, the message can be sent again."},
		},
		status.Expired: {
			"":               {Happened: "The time in which the message is useful passed first.", Next: "Nothing more is sent on this channel.", Do: "Trigger a new one, if the person still needs it, such as a new code."},
			channel.SMS:      {Happened: "The phone was off or out of reach, or the carrier was busy, for as long as the message was useful."},
			channel.WhatsApp: {Happened: "The phone was offline for as long as the message was useful."},
		},
		status.Canceled: {
			"": {Happened: "The message was canceled before it was delivered.", Next: "Nothing more is sent.", Do: "Nothing."},
		},
		status.Recalled: {
			"": {Happened: "The provider took this copy back, because another one was on its way or had arrived.", Next: "This copy does not arrive.", Do: "Nothing."},
		},
		status.NoReceipt: {
			"":                 {Happened: "The provider accepted the message and then stayed silent past the waiting time. The person may have it.", Do: "Nothing for one person. If there are many, tell the technical team: receipts are missing."},
			channel.LINENotify: {Happened: "LINE accepted the message and reported no delivery: the person blocked the account, or did not answer LINE's question."},
			channel.WhatsApp:   {Happened: "WhatsApp accepted the message and reported no delivery: the phone was offline."},
			channel.SMS:        {Happened: "The carrier accepted the message and sent no report. The person may have it."},
		},
		status.Congested: {
			"": {Happened: "The channel was full, paused or down until the waiting time was over. The message was not sent on it.", Do: "If there are many, tell the technical team: look at Operations."},
		},
		status.InDoubt: {
			"": {Happened: "The provider was called and its answer was lost: nobody knows whether it has the message.", Do: "Ask the person before sending again. They may have it."},
		},
	},
	unknown: meaning{
		Happened: "The channel gave a reason of its own.",
		Do:       "Read the provider's words, and ask the technical team.",
	},
}
