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
            default:
                Console.Error.WriteLine("usage: Thaw.Bench crc | names");
                return 2;
        }
    }
}
