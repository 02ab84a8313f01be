// Package line sends over LINE: [Push] reaches friends of the account by their LINE
// user ID, [Notification] reaches people by their telephone number.
//
//	directory := line.NewDirectory() // which number is which LINE user, and who has blocked
//	account := line.Account{Token: token, Secrets: []string{secret}}
//	push, err := line.NewPush(line.PushConfig{Account: account, Contacts: directory})
//	notification, err := line.NewNotification(line.NotificationConfig{Account: account, Followers: directory})
//	mux.Handle("POST /line", notification.ReceiptHandler(dispatcher.Receive))
//
// Both take a [channel.Text] and [Messages], which is any message that LINE has;
// Notification also takes [Templated].
//
// # One webhook URL
//
// LINE calls one URL for an account, with everything: deliveries of notification
// messages, and who follows or blocks the account. Mount one handler there. With both
// channels on an account it is [Notification.ReceiptHandler], whose Followers is what
// Push has as Contacts; with Push alone it is [Push.ReceiptHandler].
//
// A LINE user ID says who somebody is, and so does the hash of a number: neither they
// nor numbers, texts and credentials are in the errors of this package.
//
// What is said here of LINE stands in its documentation (developers.line.biz) and in
// its OpenAPI description (github.com/line/line-openapi).
package line
