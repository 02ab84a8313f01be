// Package failover puts several providers behind one channel. A message goes to the first
// provider, and to the next one only when it is certain that the providers before it did
// not take it.
//
//	sms, err := failover.New(channel.SMS, primary, backup) // channels named, say, "twilio" and "mitake"
//
// Steps of a route are other ways to reach the person. Failover is another way to send the
// same kind of message. The records show one attempt on one channel.
//
// # Order of providers
//
// Each Send tries the providers in their order, until one of them settles the message:
//
//	the provider's answer                      then
//	it took the message                        that is the answer
//	temporary, or a panic                      the next is tried; the breaker counts it
//	authorization, quota_exceeded              the next is tried; the breaker counts it
//	permission, template_config, system_error  the next is tried; the breaker does not
//	                                           count it: only this message may have the fault
//	in doubt                                   no other is tried; the breaker counts it
//	any other reason: the person, the content  that is the answer
//
// When all of them fail, the answer is temporary if any of them was. Otherwise it is the
// first provider's answer. Its name stands before a provider's own words.
//
// # Doubt
//
// One Send never hands a message in doubt to another provider. When the engine sends the
// attempt again, the provider in doubt is tried first. If it is idempotent and its fault is
// temporary, no other is tried until its breaker opens. Otherwise the next one is tried,
// because the step's policy Resend prefers a second copy to none.
//
// Only this process knows which provider is in doubt. Therefore several providers together
// are never idempotent, even if each of them is. A step whose policy is Forward is left
// after a doubt.
//
// # Names
//
// A provider's ID is its name, a colon and its own ID of the message, in answers and in
// receipts: "backup:0912". So no provider can mark an attempt that another one took.
//
// A receipt of a provider that quotes the attempt finds an attempt in doubt, too
// ([channel.Receipt].NewID). The attempt is that provider's from then on. In the process
// that sent it, only the providers that may have the message can do so. If another provider
// takes it after all, receipts of the first do not find it.
//
// # Questions
//
// Each provider that is a [channel.Querier] is asked about its own attempts, and about
// the attempts that this process left in doubt with it.
//
// # Breakers
//
// A provider with too many faults in a row is skipped for Config.Pause, and its messages go
// to the next one at once. Then a few messages are sent to it on trial. It is back when
// those went well, so no provider keeps the messages of another for good. A refused
// recipient is not a fault, and neither is a Send that its caller canceled. The answer of a
// skipped provider is temporary until it is on trial. If it has refused the account, it
// answers that again, so that the message can go to its next step.
//
// Breakers run on the machine's time, and each process has its own. They count the outcomes of
// Send alone; a provider's Query has a breaker of its own. A provider that accepts everything
// and delivers nothing looks healthy.
//
// # Masked faults
//
// People are reached while the primary is down, so there are no complaints. [Channel.Providers]
// shows how much each provider sends and fails. The log has a warning when a provider
// begins to be masked and a line when it is back.
package failover
