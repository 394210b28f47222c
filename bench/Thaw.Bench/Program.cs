using Thaw.Bench.Cold;
using Thaw.Bench.ColdStart;
using Thaw.Bench.Flat;
using Thaw.Bench.Large;
using Thaw.Bench.Policy;
using Thaw.Bench.Start;
using Thaw.Bench.Transfer;
using Thaw.Bench.Warm;

namespace Thaw.Bench;

internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["crc", ..]:
                return CrcBench.Run(arguments[1..]);
            case ["names"]:
                return NamesBench.Run();
            case ["large", ..]:
                return LargeBench.Run(arguments[1..]);
            case ["victims", "--dir", var folder]:
                return await VictimBench.RunAsync(folder);
            case ["policy", ..]:
                return PolicyBench.Run(arguments[1..]);
            case ["start", var binary]:
                return StartBench.Run(binary);
            case ["warm", ..]:
                return WarmBench.Run(arguments[1..]);
            case ["cold", var part, ..]:
                return ColdBench.Run(part, arguments[2..]);
            case ["flat", ..]:
                return FlatBench.Run(arguments[1..]);
            case ["coldstart", ..]:
                return ColdStartBench.Run(arguments[1..]);
            case ["cold-read", ..]:
                return await ColdReader.RunAsync(arguments[1..]);
            case ["transfer", ..]:
                return TransferBench.Run(arguments[1..]);
            case ["transfer-serve", ..]:
                return await TransferNode.RunAsync(arguments[1..]);
            case ["transfer-read", ..]:
                return await TransferReader.RunAsync(arguments[1..]);
            default:
                Console.Error.WriteLine("""
                    usage: Thaw.Bench names
                           Thaw.Bench large --thaw BINARY --dir DIRECTORY
                           Thaw.Bench victims --dir DIRECTORY
                           Thaw.Bench policy [--tune] [FILE.md]
                           Thaw.Bench start BINARY
                           Thaw.Bench crc | warm | cold shaped|open|fill | flat
                             [--quick] [--control NAME,...] --thaw BINARY --root DIRECTORY
                           Thaw.Bench coldstart [--quick] [--scenario NAME,...] [--size 1GiB] [--seeds 3] [--alone]
                             --thaw BINARY --root DIRECTORY
                           Thaw.Bench transfer [--quick] [--control NAME,...] [--result FILE] --root DIRECTORY
                    """);
                return 2;
        }
    }
}
