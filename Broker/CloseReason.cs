namespace PubSub;

/// <summary>Why a subscriber was closed. The first reason stands.</summary>
public enum CloseReason
{
    /// <summary>It is open.</summary>
    None,

    /// <summary>More events were outstanding than its bound allows. What was queued is dropped.</summary>
    SlowConsumer,

    /// <summary>A topic that it was subscribed to was deleted. What was queued is still to be sent.</summary>
    TopicDeleted,

    /// <summary>The process is about to stop. What was queued is still to be sent.</summary>
    Draining,

    /// <summary>Events of a topic may have been lost before they reached it. What was queued is still to be sent.</summary>
    MissedEvents,

    /// <summary>It may no longer be connected. What was queued is still to be sent.</summary>
    AccessEnded,

    /// <summary>It left, or its connection ended. What was queued is still sent, if the peer is there to read it.</summary>
    Left,
}
