using Thaw.Bench.Start;
using Thaw.Bench.Warm;

namespace Thaw.Bench;

internal static class Program
{
    private static int Main(string[] arguments)
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
            default:
                Console.Error.WriteLine("""
                    usage: Thaw.Bench crc | names
                           Thaw.Bench start BINARY
                           Thaw.Bench warm [--quick] [--control NAME,...] [--result FILE] --thaw BINARY --root DIRECTORY
                    """);
                return 2;
        }
    }
}
