// Package failover puts several providers behind one channel: a message is handed to
// the first, and to the next one only when it is certain that those before it did not
// take it.
//
//	sms, err := failover.New(channel.SMS, primary, backup) // channels named, say, "twilio" and "mitake"
//
// Steps of a route are for another way to the person; this is for another way to the
// same kind of message. The records show one attempt on one channel.
//
// # Who is asked
//
// Each Send asks the providers in their order, until one of them settles the matter:
//
//	the provider answers                       then
//	it took the message                        that is the answer
//	temporary                                  the next is asked; the breaker counts it
//	authorization, quota_exceeded              the next is asked; the breaker counts it
//	permission, template_config, system_error  the next is asked; the breaker does not
//	                                           count it: it may be this message's alone
//	in doubt                                   nobody else is asked; the breaker counts it
//	any other reason: the person, the content  that is the answer
//
// When all of them fail, the answer is temporary if any of them was, and otherwise the
// first one's. Before a provider's own words stands its name.
//
// # Doubt
//
// A send in doubt is never handed to another provider by the same Send. When the
// engine sends the attempt again, the provider in doubt is asked first. If it is
// idempotent and its fault is temporary, nobody else is asked until its breaker opens;
// otherwise the next one is, for the step's policy Resend prefers a second copy to none.
//
// Which provider is in doubt is known in this process alone. Therefore several providers
// are never idempotent together, whatever each of them is, and a step whose policy is
// Forward is left after a doubt.
//
// # Names
//
// A provider's ID is its name, a colon and its own ID of the message, in answers and in
// receipts: "backup:0912". An ID that is a UUID, in lower case and with hyphens, stays as
// it is. It needs no name to be unique, and it may be the attempt's own, which the engine
// files a send in doubt under: so the receipt of a provider that quotes the attempt is
// found although its answer was lost. An attempt has one such ID: if another provider
// takes it after all, receipts of the first find it only if both quote the attempt.
//
// # Breakers
//
// A provider with too many faults in a row is left alone for a while; its messages go
// to the next one at once. Then a few are handed to it on trial, and it is back when
// those went well: nothing sticks to a backup. A refused recipient is no fault, and
// nor is a Send that its caller cut off. Of a provider that is left alone the answer is
// temporary until it is on trial; but if it has refused the account it does so still,
// for the message may have another step to go to.
//
// Breakers run on the machine's time, each process has its own, and they see what Send
// returns: a provider that accepts everything and delivers nothing looks well here.
//
// # What is masked
//
// People are reached while the primary is down, so nobody complains. [Channel.Providers]
// says who sends how much and who fails, and the log has a warning when a provider
// begins to be masked and a line when it is back.
package failover
