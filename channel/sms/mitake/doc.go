// Package mitake sends text messages through Mitake (三竹), Taiwan.
//
//	sms, err := mitake.New(mitake.Config{
//		URL:             "https://smsapi.mitake.com.tw/api/mtk", // as the contract names it
//		Username:        os.Getenv("MITAKE_USERNAME"),
//		Password:        secret.New(os.Getenv("MITAKE_PASSWORD")),
//		CallbackURL:     "https://app.example.com/receipts/sms",
//		CallbackSecrets: secret.NewAll(os.Getenv("MITAKE_CALLBACK_SECRET")),
//	})
//	mux.Handle("GET /receipts/sms/", sms.ReceiptHandler(dispatcher.Receive))
//
// It takes [channel.Text] and speaks the API of Mitake's "API文件規格說明書" v2.14 (2024/06/18),
// called the specification below. Where the specification leaves a question open, the
// comment says "assumed".
//
// # A repeat is the same message
//
// Each message carries its attempt's ID as clientid. For 12 hours Mitake answers a repeat
// as it answered the first one, and sends nothing. The channel is therefore idempotent, as
// long as a message is not tried again after half a day.
//
// # Receipts
//
// Mitake reports by calling a URL that was sent along with the message. Its calls are not
// signed, so the URL is: it ends in the attempt's ID and a code that only
// [Config.CallbackSecrets] make. A person who sees one URL can forge the receipts of that
// message, and of no other.
//
// A call has the attempt's ID and Mitake's number of the message, msgid, which is the provider
// ID. So a receipt finds its attempt even if the answer to the send was lost. Attempts of
// earlier releases have their own ID as the provider ID, and get the msgid from a receipt.
//
// Mitake can also be asked about a msgid (SmQuery), as the engine does before a message goes
// on to its next channel.
//
// # Length
//
// If an account may not send long messages, Mitake sends the first segment alone and
// reports no error. [Config.MaxSegments] is the number of segments that the account may
// send. The channel refuses longer texts.
package mitake
