import LockstepFiles

/// Where, on growing numbers of ranks, one part of a step becomes longer than another, or one way of
/// taking it quicker than another. All of it is ``CostModel``'s.
package struct Crossovers: Sendable {
  /// Numbers of ranks and of shards, in the order of a table.
  package typealias Row = (nodes: Int, ranksPerNode: Int, shards: Int)

  /// A question, and the numbers of ranks of a table for which the answer is yes.
  package struct Answer: Sendable {
    /// In JSON.
    package let key: String
    /// For people.
    package let question: String
    /// Neighbours in the table, first and last.
    package let ranges: [ClosedRange<Int>]
  }

  /// The answers.
  package let answers: [Answer]

  /// Predicts each row as a run would take it, and in the other ways.
  ///
  /// - Throws: `FoldPlanError` where there are to be more ranks than shards.
  package init(_ model: CostModel, rows: [Row]) throws {
    var sums = model
    sums.makesProducts = false
    var forms = [model, sums, model, model]
    forms[2].sharing = .sharded
    forms[3].sharing = .replicated
    let predictions = try forms.map { form in
      try rows.map {
        try form.predict(nodes: $0.nodes, ranksPerNode: $0.ranksPerNode, shards: $0.shards)
      }
    }
    let (usual, summed, sharded, replicated) = (
      predictions[0], predictions[1], predictions[2], predictions[3]
    )
    func answer(_ key: String, _ question: String, _ isTrue: (Int) -> Bool) -> Answer {
      Answer(
        key: key, question: question,
        ranges: Self.ranges(rows.indices.map { (usual[$0].ranks, isTrue($0)) }))
    }
    answers = [
      answer("sendingOverComputing", "sending takes longer than computing") {
        usual[$0].wire > usual[$0].compute
      },
      answer("latencyOverBytes", "most of sending is latency") {
        let bytes = Double(usual[$0].wireBytes) / model.link.bandwidth
        return usual[$0].wire > 2 * bytes
      },
      answer("sharded", "a sharded update is quicker than a replicated one") {
        sharded[$0].step < replicated[$0].step
      },
      answer("replicated", "a replicated update is quicker than a sharded one") {
        replicated[$0].step < sharded[$0].step
      },
      answer("factors", "factors are quicker than gradients") {
        usual[$0].makesProducts && usual[$0].step < summed[$0].step
      },
    ]
  }

  /// The runs of ranks, in the table's order, for which something is true.
  static func ranges(_ rows: [(ranks: Int, isTrue: Bool)]) -> [ClosedRange<Int>] {
    var ranges: [ClosedRange<Int>] = []
    var begin: Int?
    for (index, row) in rows.enumerated() where row.isTrue {
      begin = begin ?? row.ranks
      if index + 1 == rows.count || !rows[index + 1].isTrue {
        ranges.append(begin!...row.ranks)
        begin = nil
      }
    }
    return ranges
  }

  /// An object with a list of [first, last] for each question.
  package var json: JSONValue {
    .object(
      answers.reduce(into: JSONObject()) {
        $0[$1.key] = .array(
          $1.ranges.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) })
      })
  }

  /// Each question and the ranks, one a line.
  package var lines: [(String, String)] {
    answers.map { answer in
      let ranges = answer.ranges.map {
        $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
      }
      return (
        answer.question, ranges.isEmpty ? "never" : ranges.joined(separator: ", ") + " ranks"
      )
    }
  }
}
