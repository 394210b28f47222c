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
            case ["crc"]:
                return CrcBench.Run();
            case ["names"]:
                return NamesBench.Run();
            case ["start", var binary]:
                return StartBench.Run(binary);
            case ["warm", ..]:
                return WarmBench.Run(arguments[1..]);
            case ["transfer", ..]:
                return TransferBench.Run(arguments[1..]);
            case ["transfer-serve", ..]:
                return await TransferNode.RunAsync(arguments[1..]);
            case ["transfer-read", ..]:
                return await TransferReader.RunAsync(arguments[1..]);
            default:
                Console.Error.WriteLine("""
                    usage: Thaw.Bench crc | names
                           Thaw.Bench start BINARY
                           Thaw.Bench warm [--quick] [--control NAME,...] [--result FILE] --thaw BINARY --root DIRECTORY
                           Thaw.Bench transfer [--quick] [--control NAME,...] [--result FILE] --root DIRECTORY
                    """);
                return 2;
        }
    }
}
