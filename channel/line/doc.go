// Package line sends over LINE: [Push] reaches friends of the account by their LINE user
// ID, [Notification] reaches people by their telephone number.
//
//	directory := line.NewDirectory() // which number is which LINE user, and who has blocked
//	account := line.Account{Token: secret.New(token), Secrets: secret.NewAll(channelSecret)}
//	push, err := line.NewPush(line.PushConfig{Account: account, Contacts: directory})
//	notification, err := line.NewNotification(line.NotificationConfig{Account: account, Followers: directory})
//	mux.Handle("POST /line", notification.ReceiptHandler(dispatcher.Receive))
//
// Both take a [channel.Text] and [Messages], which is any message that LINE has.
// Notification also takes [Templated].
//
// # One webhook URL
//
// LINE calls one URL of an account for everything: deliveries of notification messages, and
// people who follow or block the account. Mount one handler there. With both channels on an
// account it is [Notification.ReceiptHandler]; give its Followers the same value as Push's
// Contacts. With Push alone it is [Push.ReceiptHandler].
//
// A LINE user ID identifies a person, and so does the hash of a number. The errors of this
// package hold neither of them, and no numbers, texts and credentials.
//
// The facts about LINE are from its documentation (developers.line.biz) and from its
// OpenAPI description (github.com/line/line-openapi).
package line
