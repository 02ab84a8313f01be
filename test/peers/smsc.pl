# An SMSC by Net::SMPP, for the tests of channel/sms/smpp. It writes its port as the first
# line, and then each event. It serves one session after the other.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
my $server = Net::SMPP->new_listen('127.0.0.1', smpp_version => 0x34, port => 0) or die "listen: $!";
print $server->sockport, "\n";

my $id = 1000;
while (my $session = $server->accept) {
    while (my $pdu = eval { local $SIG{__WARN__} = sub { }; $session->read_pdu }) {
        if ($pdu->{cmd} == Net::SMPP::CMD_bind_transceiver) {
            printf "bind %s %02x\n", $pdu->{system_id}, $pdu->{interface_version};
            my $status = $pdu->{password} eq 'secret' ? 0 : 0x0e;
            $session->bind_transceiver_resp(system_id => 'Net::SMPP', seq => $pdu->{seq}, status => $status);    # with a body
            last if $status;
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_submit_sm) {
            my $name = sprintf '%010d', ++$id;
            printf "submit %s %d %s\n", $pdu->{destination_addr}, $pdu->{data_coding}, unpack 'H*', $pdu->{short_message};
            $session->submit_sm_resp(message_id => $name, seq => $pdu->{seq});
            $session->deliver_sm(
                source_addr => $pdu->{destination_addr}, destination_addr => $pdu->{source_addr}, esm_class => 4, async => 1,
                short_message => "id:$name sub:001 dlvrd:001 submit date:2611230902 done date:2611230902 stat:DELIVRD err:000 text:",
            );
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_deliver_sm_resp) {
            printf "report %d\n", $pdu->{status};
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_query_sm) {
            printf "query %s\n", $pdu->{message_id};
            $session->query_sm_resp(
                message_id => $pdu->{message_id}, final_date => '261123090200000R', message_state => 2, error_code => 0, seq => $pdu->{seq},
            );
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_enquire_link) {
            $session->enquire_link_resp(seq => $pdu->{seq});
            print "enquire\n";
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_unbind) {
            $session->unbind_resp(seq => $pdu->{seq});
            print "unbind\n";
            last;
        }
    }
    close $session;
}
