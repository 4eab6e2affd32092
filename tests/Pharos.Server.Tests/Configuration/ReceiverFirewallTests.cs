using System.Net;
using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.Tests.Configuration;

public sealed class ReceiverFirewallTests
{
    [Theory]
    [InlineData("", "127.0.0.1", false)]
    [InlineData("multitenancy_enabled: true", "127.0.0.1", true)]
    [InlineData("multitenancy_enabled: true", "10.1.2.3", true)]
    [InlineData("multitenancy_enabled: true", "203.0.113.7", false)]
    [InlineData("multitenancy_enabled: true\nalertmanager: {receivers_firewall_block_private_addresses: false}", "127.0.0.1", false)]
    [InlineData("alertmanager: {receivers_firewall_block_private_addresses: true}", "::1", true)]
    [InlineData("alertmanager: {receivers_firewall_block_cidr_networks: '203.0.113.0/24, 2001:db8::/32'}", "203.0.113.7", true)]
    [InlineData("alertmanager: {receivers_firewall_block_cidr_networks: '203.0.113.0/24, 2001:db8::/32'}", "2001:db8::9", true)]
    [InlineData("alertmanager: {receivers_firewall_block_cidr_networks: '203.0.113.0/24, 2001:db8::/32'}", "127.0.0.1", false)]
    public void Receivers_of_tenants_are_kept_out_of_the_operators_network(string text, string address, bool blocked) =>
        Assert.Equal(blocked, ServerConfig.Load(text, "pharos.yml").ReceiverFirewall.Blocks(IPAddress.Parse(address)));

    [Fact]
    public void A_network_that_is_none_is_refused_with_its_place()
    {
        var e = Assert.Throws<ConfigurationException>(() => ServerConfig.Load("alertmanager:\n  receivers_firewall_block_cidr_networks: 10.0.0.0/99\n", "pharos.yml"));
        Assert.StartsWith("pharos.yml:2:43: ", Assert.Single(e.Diagnostics).ToString(), StringComparison.Ordinal);
    }
}
