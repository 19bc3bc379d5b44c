namespace PubSub.Conformance.Histories;

/// <summary>
/// Looks for one order of a topic's messages that agrees with what every subscription received, with each publisher's order, and with
/// time. It sorts a graph of "this came before that" topologically. Time needs only one node for each ack instead of an edge for each
/// pair: a message comes before the moment of its ack, moments follow one another, and the last moment before a publish was invoked comes
/// before its message.
/// </summary>
internal sealed class TopicOrder
{
    private readonly TopicHistory _topic;
    private readonly Findings _findings;
    private readonly Message[] _messages; // the received messages by invocation; the first nodes
    private readonly Message[] _moments; // the acked ones of these, by ack; the other nodes
    private readonly int[] _first; // the index of the first edge of a node
    private readonly int[] _to;
    private readonly int[] _by; // the subscription that shows the edge, or one of the constants below

    private const int ByPublisher = -1;
    private const int ByTime = -2;

    public TopicOrder(TopicHistory topic, Findings findings)
    {
        (_topic, _findings) = (topic, findings);
        _messages = [.. topic.ByInvocation.Where(message => message.FirstIn is not null)];
        _moments = [.. _messages.Where(message => message.Acked).OrderBy(message => message.AckedAt)];
        for (var number = 0; number < _messages.Length; number++)
        {
            _messages[number].Number = number;
        }

        _first = new int[Nodes + 1];
        foreach (var edge in Edges())
        {
            _first[edge.From + 1]++;
        }

        for (var node = 0; node < Nodes; node++)
        {
            _first[node + 1] += _first[node];
        }

        (_to, _by) = (new int[_first[Nodes]], new int[_first[Nodes]]);
        var next = _first.AsSpan(0, Nodes).ToArray();
        foreach (var edge in Edges())
        {
            var place = next[edge.From]++;
            (_to[place], _by[place]) = (edge.To, edge.By);
        }
    }

    private int Nodes => _messages.Length + _moments.Length;

    /// <summary>
    /// The received messages in chains: of two neighbours, some subscription received the second right after the first. So the order within
    /// a chain is certain.
    /// </summary>
    /// <returns>The chains; none, and an anomaly, if no order exists.</returns>
    public List<List<Message>> Chains()
    {
        var before = new int[Nodes];
        foreach (var to in _to)
        {
            before[to]++;
        }

        // Visit a node as soon as it becomes free, so that a chain stays together.
        var sorted = new List<int>(Nodes);
        var free = new Stack<int>(Enumerable.Range(0, Nodes).Where(node => before[node] == 0).Reverse());
        while (free.TryPop(out var next))
        {
            sorted.Add(next);
            foreach (var to in _to.AsSpan(_first[next].._first[next + 1]))
            {
                if (--before[to] == 0)
                {
                    free.Push(to);
                }
            }
        }

        if (sorted.Count < Nodes)
        {
            Report(Cycle(before));
            return [];
        }

        var chains = new List<List<Message>>();
        var previous = new Message?[_messages.Length];
        foreach (var node in sorted.Where(IsMessage))
        {
            var message = _messages[node];
            if (previous[node] is not { } last || chains[last.Chain][^1] != last)
            {
                message.Chain = chains.Count;
                chains.Add([message]);
            }
            else
            {
                (message.Chain, message.Link) = (last.Chain, last.Link + 1);
                chains[last.Chain].Add(message);
            }

            for (var edge = _first[node]; edge < _first[node + 1]; edge++)
            {
                if (_by[edge] >= 0)
                {
                    previous[_to[edge]] = message;
                }
            }
        }

        return chains;
    }

    private bool IsMessage(int node) => node < _messages.Length;

    private IEnumerable<Edge> Edges()
    {
        for (var number = 0; number < _topic.Subscriptions.Count; number++)
        {
            Message? last = null;
            foreach (var delivery in _topic.Subscriptions[number].Deliveries)
            {
                if (delivery.Misplaced)
                {
                    continue;
                }

                if (last is not null)
                {
                    yield return new(last.Number, delivery.Message.Number, number);
                }

                last = delivery.Message;
            }
        }

        var ofPublisher = new Dictionary<int, Message>();
        foreach (var message in _messages)
        {
            if (ofPublisher.TryGetValue(message.Publisher, out var last))
            {
                yield return new(last.Number, message.Number, ByPublisher);
            }

            ofPublisher[message.Publisher] = message;
        }

        var moment = 0;
        foreach (var message in _messages)
        {
            while (moment < _moments.Length && _moments[moment].IsWhollyBefore(message))
            {
                moment++;
            }

            if (moment > 0)
            {
                yield return new(_messages.Length + moment - 1, message.Number, ByTime);
            }
        }

        for (moment = 0; moment < _moments.Length; moment++)
        {
            yield return new(_moments[moment].Number, _messages.Length + moment, ByTime);
            if (moment > 0)
            {
                yield return new(_messages.Length + moment - 1, _messages.Length + moment, ByTime);
            }
        }
    }

    /// <summary>A cycle among the nodes that could not be sorted, which are those with a remaining predecessor.</summary>
    private List<Edge> Cycle(int[] before)
    {
        // Each unsorted node has an unsorted predecessor, so the walk from predecessor to predecessor ends in a cycle.
        var back = new int[Nodes];
        for (var node = 0; node < Nodes; node++)
        {
            if (before[node] > 0)
            {
                foreach (var to in _to.AsSpan(_first[node].._first[node + 1]))
                {
                    back[to] = node;
                }
            }
        }

        var start = Array.FindIndex(before, count => count > 0);
        for (var seen = new HashSet<int>(); seen.Add(start);)
        {
            start = back[start];
        }

        return Reduced(Joined(Shortest(start, before)));
    }

    /// <summary>The fewest edges that lead from a node back to itself.</summary>
    private List<Edge> Shortest(int start, int[] before)
    {
        var reached = new Dictionary<int, Edge>();
        var queue = new Queue<int>([start]);
        while (!reached.ContainsKey(start))
        {
            var node = queue.Dequeue();
            for (var edge = _first[node]; edge < _first[node + 1]; edge++)
            {
                if (before[_to[edge]] > 0 && reached.TryAdd(_to[edge], new(node, _to[edge], _by[edge])))
                {
                    queue.Enqueue(_to[edge]);
                }
            }
        }

        var cycle = new List<Edge>();
        for (var edge = reached[start]; ; edge = reached[edge.From])
        {
            cycle.Add(edge);
            if (edge.From == start)
            {
                cycle.Reverse();
                return cycle;
            }
        }
    }

    /// <summary>Merges successive edges that one subscription or time shows. The remaining nodes are messages.</summary>
    private static List<Edge> Joined(List<Edge> cycle)
    {
        var turn = Enumerable.Range(0, cycle.Count).First(place => cycle[place].By != cycle[(place + cycle.Count - 1) % cycle.Count].By);
        var joined = new List<Edge>();
        foreach (var edge in cycle.Skip(turn).Concat(cycle.Take(turn)))
        {
            if (joined.Count > 0 && joined[^1].By == edge.By)
            {
                joined[^1] = joined[^1] with { To = edge.To };
            }
            else
            {
                joined.Add(edge);
            }
        }

        return joined;
    }

    /// <summary>A shorter cycle through some of these messages, if the same subscriptions, publishers and acks show one.</summary>
    private List<Edge> Reduced(List<Edge> cycle)
    {
        const int most = 60; // the search is cubic, and leaving out a few does not make a longer cycle readable
        if (cycle.Count is 2 or > most)
        {
            return cycle;
        }

        int[] nodes = [.. cycle.Select(edge => edge.From)];
        var shown = cycle.Select(edge => edge.By).Where(by => by >= 0).Distinct().Select(by => (By: by, Times: Times(by, nodes))).ToList();
        var best = cycle;
        foreach (var start in nodes)
        {
            var reached = new Dictionary<int, Edge>();
            var queue = new Queue<int>([start]);
            while (!reached.ContainsKey(start) && queue.TryDequeue(out var node))
            {
                foreach (var to in nodes)
                {
                    if (to != node && !reached.ContainsKey(to) && Shown(node, to) is { } edge)
                    {
                        reached[to] = edge;
                        queue.Enqueue(to);
                    }
                }
            }

            var found = new List<Edge>();
            for (var at = start; reached.TryGetValue(at, out var edge) && (found.Count == 0 || at != start); at = edge.From)
            {
                found.Insert(0, edge);
            }

            best = found.Count > 0 && found.Count < best.Count ? found : best;
        }

        return best;

        Edge? Shown(int from, int to)
        {
            var (left, right) = (_messages[from], _messages[to]);
            if (left.IsWhollyBefore(right))
            {
                return new(from, to, ByTime);
            }

            if (left.Publisher == right.Publisher && left.Turn < right.Turn)
            {
                return new(from, to, ByPublisher);
            }

            foreach (var (by, times) in shown)
            {
                if (times.TryGetValue(from, out var first) && times.TryGetValue(to, out var second) && first < second)
                {
                    return new(from, to, by);
                }
            }

            return null;
        }
    }

    /// <summary>The places of some messages in what a subscription received.</summary>
    private Dictionary<int, int> Times(int subscription, int[] nodes)
    {
        var times = new Dictionary<int, int>();
        var deliveries = _topic.Subscriptions[subscription].Deliveries;
        for (var place = 0; place < deliveries.Count; place++)
        {
            if (!deliveries[place].Misplaced && nodes.Contains(deliveries[place].Message.Number))
            {
                times[deliveries[place].Message.Number] = place;
            }
        }

        return times;
    }

    private void Report(List<Edge> cycle)
    {
        const int mostInWords = 12;
        var subscribers = cycle.Select(edge => edge.By).Where(by => by >= 0).Distinct().Count();
        var words = cycle.Take(mostInWords).Select(Words).ToList();
        if (cycle.Count > mostInWords)
        {
            words.Add($"and so on, {cycle.Count} steps in a circle");
        }

        var at = cycle.Min(edge => _messages[edge.From].Invoked);
        var kind = subscribers > 1 ? AnomalyKind.TwoOrders : AnomalyKind.Overtaken;
        _findings.Add(kind, _topic.Name, at, () => $"no one order of {_topic} agrees with all of this: {string.Join(", ", words)}");
    }

    private string Words(Edge edge)
    {
        var (left, right) = (_messages[edge.From], _messages[edge.To]);
        switch (edge.By)
        {
            case ByTime:
                return FormattableString.Invariant($"{left} was acked {left.Interval} before {right} was published {right.Interval}");
            case ByPublisher:
                return FormattableString.Invariant(
                    $"{left.PublisherName} published {left} {left.Interval} before {right} {right.Interval}");
            default:
                var subscription = _topic.Subscriptions[edge.By];
                long At(Message message) => subscription.Deliveries.Find(delivery => delivery.Message == message).At;
                return FormattableString.Invariant($"{subscription} received {left} ({At(left)}) before {right} ({At(right)})");
        }
    }

    private readonly record struct Edge(int From, int To, int By);
}
