import LockstepObservation

/// Where the time of the recorded steps went: for each activity the time that a rank's first thread
/// spent in it and in nothing inside of it, so that a rank's activities add up to its steps.
package struct StepBreakdown: Sendable, Equatable {
  /// One activity over the ranks, in milliseconds a step.
  package struct Row: Sendable, Equatable {
    /// What the first threads did.
    package let activity: Activity
    /// The mean over the ranks.
    package let mean: Double
    /// The time of the rank that spent least.
    package let least: Double
    /// The time of the rank that spent most.
    package let most: Double
    /// The mean's part of the mean step.
    package let share: Double
    /// The time of each rank.
    package let ranks: [Double]
  }

  /// The recorded steps, counted from 1.
  package let steps: ClosedRange<Int>
  /// The number of ranks.
  package let ranks: Int
  /// The mean step in milliseconds, over ranks and steps.
  package let milliseconds: Double
  /// The activities that took time, in their own order.
  package let rows: [Row]
  /// The milliseconds a step that a background thread worked on inputs, mean over ranks.
  package let background: Double
  /// Of these, those in which no computing thread waited for inputs.
  package let hidden: Double
  /// The milliseconds a step in which gradients or parameters were on their way to a rank from another
  /// node, mean over ranks.
  package let communication: Double
  /// Of these, those in which the rank's first thread did not wait for other ranks.
  package let hiddenCommunication: Double

  /// The part of a step that the first threads waited in.
  package var waitingShare: Double {
    rows.filter { $0.activity.isWaiting }.reduce(0) { $0 + $1.share }
  }

  /// The part of the work on inputs and on what ranks exchange, waits included, that cost a step no
  /// time.
  package var hiddenShare: Double {
    let exposed = rows.filter {
      [.input, .waitForInput, .fold, .gather, .measure, .wait].contains($0.activity)
    }.reduce(0) { $0 + $1.mean }
    let hidden = hidden + hiddenCommunication
    return hidden > 0 ? hidden / (hidden + exposed) : 0
  }

  /// The part of the time of ``communication`` that lay beside work.
  package var hiddenCommunicationShare: Double {
    communication > 0 ? hiddenCommunication / communication : 0
  }

  /// - Parameters:
  ///   - sums: for each rank, in nanoseconds, the time of each activity on its first thread, then the
  ///     time that its background thread worked, then that in which threads waited for it, then that in which something was on its way to
  ///     the rank, then what of that it waited for.
  init(steps: ClosedRange<Int>, sums: [[UInt64]]) {
    self.steps = steps
    ranks = sums.count
    let scale = 1e-6 / Double(steps.count)
    func values(_ column: Int) -> [Double] { sums.map { Double($0[column]) * scale } }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let count = Activity.allCases.count
    let total = (0..<count).reduce(0) { $0 + mean(values($1)) }
    milliseconds = total
    rows = Activity.allCases.enumerated().compactMap { index, activity in
      let values = values(index)
      guard values.contains(where: { $0 > 0 }) else { return nil }
      let mean = mean(values)
      return Row(
        activity: activity, mean: mean, least: values.min()!, most: values.max()!,
        share: total > 0 ? mean / total : 0, ranks: values)
    }
    background = mean(values(count))
    hidden = mean(zip(values(count), values(count + 1)).map { max($0 - $1, 0) })
    communication = mean(values(count + 2))
    hiddenCommunication = mean(zip(values(count + 2), values(count + 3)).map { $0 - $1 })
  }

  /// The sums of one rank.
  ///
  /// - Parameter flights: what was on its way to it.
  static func sums(
    _ timeline: Timeline, _ flights: [Span], steps: ClosedRange<Int>
  ) -> [UInt64] {
    let count = Activity.allCases.count
    var sums = [UInt64](repeating: 0, count: count + 4)
    var inside: [Span] = []
    // Operations are their pass's.
    for span in timeline.main.spans
    where span.activity != .operation && steps.contains(Int(span.step)) {
      // What lies inside of a span was recorded before it.
      var own = span.end - span.start
      while let last = inside.last, last.start >= span.start {
        own -= last.end - last.start
        inside.removeLast()
      }
      inside.append(span)
      sums[Int(span.activity.rawValue)] += own
    }
    for span in timeline.input.spans
    where span.activity == .prepare && steps.contains(Int(span.step)) {
      sums[count] += span.end - span.start
    }
    for track in timeline.threads {
      for span in track.spans
      where span.activity == .waitForInput && steps.contains(Int(span.step)) {
        sums[count + 1] += span.end - span.start
      }
    }
    let times = MessageFlights.times(
      flights,
      waits: timeline.main.spans.filter {
        $0.activity == .wait && steps.contains(Int($0.step))
      })
    sums[count + 2] = times.flight
    sums[count + 3] = times.exposed
    return sums
  }
}
