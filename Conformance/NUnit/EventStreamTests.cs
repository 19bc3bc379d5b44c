using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Tests;

/// <summary>An event stream is read as the HTML Standard, section 9.2, says, wherever the network cuts it.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class EventStreamTests
{
    [TestCase("data: x\n\n", "data: x")]
    [TestCase("data: x\r\r", "data: x")]
    [TestCase("data: x\r\n\r\n", "data: x")]
    [TestCase("data: x\r\n\n\rdata: y\n\r", "data: x|data: y")]
    [TestCase("\ufeffdata: x\n\n", "data: x")]
    [TestCase("data: x\n\n\ufeffdata: y\n\n", "data: x")]
    [TestCase("data:x\n\n", "data: x")]
    [TestCase("data:  x\n\n", "data:  x")]
    [TestCase("data: x\ndata: y\n\n", "data: x\ny")]
    [TestCase("data\ndata\n\n", "data: \n")]
    [TestCase("data\n\n", "data: ")]
    [TestCase("data: x", "")]
    [TestCase("data: x\n", "")]
    [TestCase("id: 1\n\n", "id: 1")]
    [TestCase("id\n\n", "id: ")]
    [TestCase("id: a\0b\ndata: x\n\n", "data: x")]
    [TestCase("id: 1\nevent: gap\ndata: x\n\ndata: y\n\n", "id: 1, event: gap, data: x|data: y")]
    [TestCase(": one\n:two\ndata: x\n\n", ": one|: two|data: x")]
    [TestCase("data: x\n: in a block\ndata: y\n\n", ": in a block|data: x\ny")]
    [TestCase("nonsense: 5\nData: x\n\n", "")]
    [TestCase("data: \u00e9\u20ac\U0001f680\u2028\n\n", "data: \u00e9\u20ac\U0001f680\u2028")]
    public void The_parts_are_the_same_in_pieces_of_any_size(string stream, string parts)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);
        for (var size = 1; size <= bytes.Length; size++)
        {
            var reader = new EventStreamReader();

            var read = bytes.Chunk(size).SelectMany(piece => reader.Read(piece)).ToList();

            Assert.That(string.Join('|', read), Is.EqualTo(parts), $"in pieces of {size}");
        }
    }

    [Test]
    public void A_block_without_an_end_is_a_violation()
    {
        var reader = new EventStreamReader();
        var piece = Encoding.UTF8.GetBytes($"data: {new string('x', 1024 * 1024)}\n");

        Assert.That(() => Enumerable.Range(0, 20).Select(_ => reader.Read(piece)).ToList(), Throws.TypeOf<Violation>());
    }
}
