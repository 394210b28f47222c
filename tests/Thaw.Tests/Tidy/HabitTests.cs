using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// Habits that make tests flaky and daemons hang: sleeps in tests, blocking on tasks in the product, swallowed
/// exceptions. <c>habit-exemptions.txt</c> lists the few places that may; an entry that is not needed fails.
/// </summary>
public sealed class HabitTests
{
    [Fact]
    public void Nobody_has_a_bad_habit() =>
        Assert.Empty(Problems(Checkout.Sources.SelectMany(Find), Checkout.ReadList("habit-exemptions.txt")));

    [Theory]
    [InlineData("sleep", "tests/A.cs", "Thread.Sleep(1);")]
    [InlineData("sleep", "tests/A.cs", "await Task.Delay(1);")]
    [InlineData("blocking", "src/A.cs", "var x = task.Result;")]
    [InlineData("blocking", "src/A.cs", "task.Wait();")]
    [InlineData("blocking", "src/A.cs", "task.GetAwaiter().GetResult();")]
    [InlineData("empty-catch", "src/A.cs", "try { A(); } catch (Exception) { }")]
    [InlineData("fire-and-forget", "src/A.cs", "_ = Task.Run(A);")]
    [InlineData("fire-and-forget", "src/A.cs", "_ = this.AskAsync(key);")]
    [InlineData("async-void", "src/A.cs", "async void B() { await A(); }")]
    public void A_bad_habit_is_found(string rule, string path, string code)
    {
        var found = Assert.Single(Find(SourceFile.Sample(path, code)));
        Assert.Equal(rule, found.Rule);
        Assert.Single(Problems([found], []));
        Assert.Empty(Problems([found], [$"{rule} {path} # a reason"]));
    }

    [Fact]
    public void An_exemption_that_is_not_needed_is_found() =>
        Assert.Single(Problems([], ["sleep tests/A.cs # a reason"]));

    [Fact]
    public void An_exemption_without_a_reason_is_found() =>
        Assert.Single(Problems([new Habit("sleep", "tests/A.cs", "tests/A.cs:1")], ["sleep tests/A.cs"]));

    [Theory]
    [InlineData("src/A.cs", "await Task.Delay(period, time, token);")]
    [InlineData("src/A.cs", "Result<int> A() => default;")]
    [InlineData("src/A.cs", "await gate.WaitAsync(limit, token);")]
    [InlineData("src/A.cs", "_ = await AskAsync(key);")]
    [InlineData("src/A.cs", "try { A(); } catch (Exception) { /* closing twice is fine */ }")]
    public void What_is_fine_is_not_found(string path, string code) =>
        Assert.Empty(Find(SourceFile.Sample(path, code)));

    private static IEnumerable<Habit> Find(SourceFile file) =>
        from node in file.Root.DescendantNodes()
        let rule = file.IsTest ? TestRule(node) ?? AnyRule(node)
            : file.IsProduct ? ProductRule(node) ?? AnyRule(node)
            : null
        where rule is not null
        select new Habit(rule, file.Path, file.At(node));

    private static string? TestRule(SyntaxNode node) =>
        node is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax call }
        && call.ToString() is "Thread.Sleep" or "Task.Delay"
            ? "sleep"
            : null;

    private static string? ProductRule(SyntaxNode node) => node switch
    {
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax call } when IsBlocking(call) =>
            "blocking",
        MemberAccessExpressionSyntax { Name: IdentifierNameSyntax { Identifier.Text: "Result" } } => "blocking",
        AssignmentExpressionSyntax
        { Left: IdentifierNameSyntax { Identifier.Text: "_" }, Right: InvocationExpressionSyntax call }
            when IsTask(call.Expression.ToString()) => "fire-and-forget",
        _ => null,
    };

    private static string? AnyRule(SyntaxNode node) => node switch
    {
        CatchClauseSyntax { Block: { Statements.Count: 0 } block }
            when !block.DescendantTrivia().Any(trivia => trivia.ToString().StartsWith('/')) => "empty-catch",
        MethodDeclarationSyntax method when IsAsyncVoid(method.Modifiers, method.ReturnType) => "async-void",
        LocalFunctionStatementSyntax method when IsAsyncVoid(method.Modifiers, method.ReturnType) => "async-void",
        _ => null,
    };

    private static bool IsBlocking(MemberAccessExpressionSyntax call) =>
        call.Name.Identifier.Text switch
        {
            "Wait" => true,
            "GetResult" => call.Expression.ToString().EndsWith("GetAwaiter()", StringComparison.Ordinal),
            _ => false,
        };

    private static bool IsTask(string called) =>
        called is "Task.Run" or "Task.Factory.StartNew" || called.EndsWith("Async", StringComparison.Ordinal);

    private static bool IsAsyncVoid(SyntaxTokenList modifiers, TypeSyntax returns) =>
        returns.ToString() == "void" && modifiers.Any(modifier => modifier.Text == "async");

    private static IEnumerable<string> Problems(IEnumerable<Habit> habits, IReadOnlyCollection<string> exemptions)
    {
        var needed = new HashSet<string>();
        var known = exemptions.ToDictionary(line => string.Join(' ', line.Split(' ').Take(2)), line =>
            line.Split('#').Length > 1);
        foreach (var habit in habits)
        {
            var key = $"{habit.Rule} {habit.Path}";
            if (!known.TryGetValue(key, out var hasReason))
                yield return $"{habit.At}: {habit.Rule}.";
            else if (!hasReason)
                yield return $"habit-exemptions.txt: '{key}' gives no reason.";
            needed.Add(key);
        }

        foreach (var key in known.Keys.Except(needed))
            yield return $"habit-exemptions.txt: '{key}' is not needed any more; take it out.";
    }

    private sealed record Habit(string Rule, string Path, string At);
}
