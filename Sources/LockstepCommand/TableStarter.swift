import Lockstep
import LockstepFiles

/// A configuration to start with, made of a table: of its columns, of its texts, or of series of its rows.
struct TableStarter {
  let starter: Starter

  init(_ path: String, _ arguments: Arguments) throws {
    var table = try InspectTable(path, arguments)
    if !arguments.has("--target"),
      let name = Console.ask("Which column is to be predicted? [\(table.targetName)]"),
      !name.isEmpty
    {
      table = try InspectTable(path, arguments, target: name)
    }
    try table.requireSeveralValues()
    if let text = arguments.value("--text") {
      guard !arguments.has("--series"), !arguments.has("--time") else {
        throw ArgumentError(description: "'--text' and '--series' are two kinds of data; give one")
      }
      try table.requireColumn(text, "--text")
      starter = Self.texts(table, in: text)
    } else if let series = arguments.value("--series") {
      let time = arguments.value("--time")
      try table.requireColumn(series, "--series")
      if let time { try table.requireColumn(time, "--time") }
      starter = Self.series(table, in: series, by: time)
    } else {
      guard !arguments.has("--time") else {
        throw ArgumentError(description: "'--time' goes with '--series'")
      }
      try table.requireTrainable()
      starter = Self.rows(table)
    }
  }

  private static let comments = [
    "target": "the column that is to be predicted", "ignore": "columns that are left out",
    "fillMissing": "what stands for missing numbers", "testFraction": Starter.testFraction,
    "targetKind": "numbers; leave it out for classes",
    "classes": "the names of the classes, in the order of the model's outputs",
    "standardizeTarget": "the model learns numbers near 1; predictions have the column's unit",
    "text": "the column of the texts", "vocabulary": "the most frequent words; others are one",
    "series": "the column that names the series of a step",
    "time": "the column that orders the steps of a series",
  ]

  private static func rows(_ table: InspectTable) -> Starter {
    let starter = table.configuration
    var comments = comments
    let reasons = table.leftOut.prefix(3).map { "'\($0.name)': \($0.reason)" }
    if !reasons.isEmpty {
      comments["ignore"] = "columns that are left out; " + reasons.joined(separator: "; ")
    }
    return Starter(
      "a table of \(counted(table.rows, "row")); to predict: \(table.targetText)",
      data: starter["data"]?.objectValue ?? JSONObject(), comments: comments,
      model: starter["model"] ?? .null, loss: table.loss, batchSize: table.rows < 2000 ? 32 : 256,
      epochs: 20, learningRate: 0.01, notices: notices(table))
  }

  /// The columns that are left out, those that cannot be read first.
  private static func notices(
    _ table: InspectTable, beside used: [String] = []
  ) -> [String] {
    let isError = { (column: (name: String, reason: String)) in column.reason.hasPrefix("an error")
    }
    let left = table.leftOut.filter { !used.contains($0.name) }
    let columns = left.filter(isError) + left.filter { !isError($0) }
    let more = columns.count - 5
    return columns.prefix(5).map {
      "the column '\($0.name)' is left out"
        + ($0.reason == "left out"
          ? ": it is empty" : ": " + $0.reason.trimmingPrefix("left out: "))
    } + (more > 0 ? ["\(counted(more, "more column")) \(more == 1 ? "is" : "are") left out"] : [])
  }

  private static func texts(_ table: InspectTable, in column: String) -> Starter {
    var data = data(of: table, as: "text-rows")
    data["ignore"] = nil
    data["text"] = .string(column)
    data["vocabulary"] = 5000
    return Starter(
      "a table of \(counted(table.rows, "text")); to predict: \(table.targetText)", data: data,
      comments: comments,
      model: [
        "layers": [
          ["type": "Embedding", "count": 5000, "width": 32, "paddingIndex": 0],
          ["type": "SequencePooling"], ["type": "Dropout", "rate": 0.5],
          ["type": "Linear", "outFeatures": .integer(table.outputs)],
        ]
      ], loss: table.loss, batchSize: 32, epochs: 15, learningRate: 0.01)
  }

  private static func series(
    _ table: InspectTable, in column: String, by time: String?
  ) -> Starter {
    var data = data(of: table, as: "series")
    data["series"] = .string(column)
    data["time"] = time.map { .string($0) }
    let left = (data["ignore"]?.arrayValue ?? []).filter {
      $0.stringValue != column && $0.stringValue != time
    }
    data["ignore"] = left.isEmpty ? nil : .array(left)
    return Starter(
      "a table of \(table.rows) steps of series; to predict: \(table.targetText)", data: data,
      comments: comments,
      model: ["type": "gruClassifier", "hidden": 32, "classes": .integer(table.outputs)],
      loss: table.loss, batchSize: 32, epochs: 20, learningRate: 0.01,
      notices: notices(table, beside: [column] + [time].compactMap { $0 }))
  }

  /// The keys of a table that other kinds of data have too.
  private static func data(of table: InspectTable, as type: String) -> JSONObject {
    var data = table.configuration["data"]?.objectValue ?? JSONObject()
    data["type"] = .string(type)
    for key in ["fillMissing", "missingIndicators", "columns"] { data[key] = nil }
    return data
  }
}

extension InspectTable {
  /// The target in words.
  fileprivate var targetText: String {
    "\(targetName), \(targetWords)"
  }

  fileprivate var loss: String { isOfClasses ? "softmaxCrossEntropy" : "meanSquaredError" }
}
