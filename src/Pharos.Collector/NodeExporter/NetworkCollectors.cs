using Pharos.Core;

namespace Pharos.Collector.NodeExporter;

internal static class NetworkCollectors
{
    private static readonly string[] DeviceColumns =
    [
        "receive_bytes", "receive_packets", "receive_errs", "receive_drop", "receive_fifo", "receive_frame", "receive_compressed", "receive_multicast",
        "transmit_bytes", "transmit_packets", "transmit_errs", "transmit_drop", "transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed",
    ];

    /// <summary>The fields that node_exporter keeps by default.</summary>
    private static readonly LinearRegex NetStatFields = LinearRegex.Anchored(
        "(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)"
        + "|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))");

    public static void Devices(NodeFiles files, NodeOutput output)
    {
        var devices = files.ProcLines("net/dev").Skip(2).Select(l => l.Split(':', 2)).Where(p => p.Length == 2)
            .Select(p => (Name: p[0].Trim(), Values: NodeFiles.Fields(p[1]))).ToList();
        for (int column = 0; column < DeviceColumns.Length; column++)
        {
            string name = DeviceColumns[column];
            output.Family($"node_network_{name}_total", MetricType.Counter, $"Network device statistic {name}.");
            foreach (var (device, values) in devices.Where(d => d.Values.Length > column)) output.Sample(double.Parse(values[column]), ("device", device));
        }
    }

    public static void NetStat(NodeFiles files, NodeOutput output)
    {
        foreach (string file in new[] { "net/netstat", "net/snmp" })
        {
            string[] lines = files.ProcLines(file);
            for (int i = 0; i + 1 < lines.Length; i += 2)
            {
                string[] names = NodeFiles.Fields(lines[i]), values = NodeFiles.Fields(lines[i + 1]);
                string protocol = names[0].TrimEnd(':');
                for (int k = 1; k < names.Length && k < values.Length; k++)
                {
                    string name = $"{protocol}_{names[k]}";
                    if (NetStatFields.IsMatch(name)) output.Single($"node_netstat_{name}", MetricType.Unknown, $"Statistic {protocol}{names[k]}.", double.Parse(values[k]));
                }
            }
        }
    }

    public static void SockStat(NodeFiles files, NodeOutput output)
    {
        foreach (string line in files.ProcLines("net/sockstat").Concat(files.ProcHas("net/sockstat6") ? files.ProcLines("net/sockstat6") : []))
        {
            string[] fields = NodeFiles.Fields(line);
            string protocol = fields[0].TrimEnd(':');
            for (int i = 1; i + 1 < fields.Length; i += 2)
            {
                double value = double.Parse(fields[i + 1]);
                output.Single($"node_sockstat_{protocol}_{fields[i]}", MetricType.Gauge, $"Number of {protocol} sockets in state {fields[i]}.", value);
                if (fields[i] == "mem")
                    output.Single($"node_sockstat_{protocol}_mem_bytes", MetricType.Gauge, $"Number of {protocol} sockets in state mem_bytes.", value * Environment.SystemPageSize);
            }
        }
    }
}
