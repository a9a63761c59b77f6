/// How patient a `Watchdog` is.
public struct WatchPatience: Sendable, Equatable {
  /// The seconds that a wait inside a step may take, and one for a rank that is stopped; `infinity`
  /// for ever.
  package var deadline: Double
  /// The seconds that a wait around steps may take: while data are loaded, plans made, models
  /// evaluated, files written.
  package var longDeadline: Double
  /// The seconds between two looks.
  package var interval = 0.1
  /// The seconds that ranks of other nodes, which nobody sees, get to print what they know.
  package var moment = 2.0
  /// The seconds at most that ranks of this node get.
  package var hearing = 10.0
  /// The seconds that a rank of another node is waited for at least by one that was asked to stop.
  package var afterRequest = 2.0

  /// - Parameters:
  ///   - deadline: the seconds that a wait inside a step may take.
  ///   - longDeadline: the seconds that one around steps may take; twelve times as many by default.
  public init(deadline: Double = 300, longDeadline: Double? = nil) {
    self.deadline = deadline
    self.longDeadline = longDeadline ?? 12 * deadline
  }
}
