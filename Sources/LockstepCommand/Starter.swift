import Lockstep
import LockstepFiles

/// A configuration to start with, made of what the data are.
struct Starter {
  /// What the data are, in words.
  let summary: String
  private let configuration: JSONObject
  /// Comments on keys of the data.
  private let dataComments: [String: String]

  /// Looks at the data.
  ///
  /// - Throws: ``ArgumentError`` where it cannot be told what they are, or an option does not go with them;
  ///   ``InputFailure`` and `FileError` where they cannot be read.
  init(_ path: String, _ arguments: Arguments) throws {
    switch try Kind(path, arguments) {
    case .table: self = try TableStarter(path, arguments).starter
    case .images: try self.init(images: path)
    case .arrays(let labels): try self.init(arrays: path, labels: labels)
    case .text: try self.init(text: path)
    }
  }

  init(
    _ summary: String, data: JSONObject, comments: [String: String], model: JSONValue,
    loss: String = "softmaxCrossEntropy", batchSize: Int, epochs: Int, learningRate: Double = 1e-3
  ) {
    self.summary = summary
    dataComments = comments
    configuration = [
      "data": .object(data), "model": model, "loss": .string(loss),
      "batchSize": .integer(batchSize), "shards": 4, "epochs": .integer(epochs), "seed": 1,
      "optimizer": [
        "type": "adamW", "learningRate": .number(learningRate),
        "schedule": ["type": "cosine"],
      ], "clip": ["type": "zClip"],
    ]
  }

  // MARK: What data are

  /// A kind of data.
  private enum Kind {
    case table, images, text
    case arrays(labels: String)

    private static let arrayEndings = [
      ".npy", ".npz", ".safetensors", ".idx", "-ubyte", ".idx.gz", "-ubyte.gz",
    ]

    /// The options that go with a kind.
    private var options: [String] {
      switch self {
      case .table:
        ["--target", "--text", "--series", "--time"] + InspectTable.dialectOptions.map(\.name)
      case .arrays: ["--labels"]
      case .images, .text: []
      }
    }

    init(_ path: String, _ arguments: Arguments) throws {
      let name = path.lowercased()
      if FileKind(path) == .directory {
        self = .images
      } else if name.hasSuffix(".txt"), !arguments.names.contains("--target"),
        !arguments.names.contains("--text")
      {
        self = .text
      } else if Self.arrayEndings.contains(where: name.hasSuffix)
        || name.contains(".npz/") || name.contains(".safetensors/")
      {
        guard let labels = arguments.value("--labels") else {
          throw ArgumentError(
            description: "'\(path)' holds arrays: name their labels by --labels FILE")
        }
        self = .arrays(labels: labels)
      } else {
        self = .table
      }
      let all =
        ["--target", "--text", "--series", "--time", "--labels"]
        + InspectTable.dialectOptions.map(\.name)
      if let odd = all.first(where: { arguments.has($0) && !options.contains($0) }) {
        throw ArgumentError(description: "'\(odd)' does not go with '\(path)'")
      }
    }
  }

  static let testFraction = "a fifth of the examples is set apart, and never trained on"

  // MARK: Images, arrays, texts

  private init(images path: String) throws {
    let folder = try ImageFolder(path)
    guard let classes = folder.classes else {
      throw InputFailure(
        description:
          "\(path): holds images and no folders; put the images of each class in a folder of its name"
      )
    }
    let first = try ImageFile.read("\(path)/\(folder.files[0])")
    let size = min(max(min(first.height, first.width), 16), 64)
    self.init(
      "\(counted(folder.files.count, "image")) of \(counted(classes.count, "class", plural: "classes"))",
      data: [
        "type": "image-folder", "folder": .string(path), "size": .integer(size),
        "channels": first.channels == 1 ? 1 : 3, "testFraction": 0.2,
        "augment": [["type": "shift", "pixels": 2]],
      ],
      comments: [
        "size": "images are scaled to so many pixels, height and width",
        "channels": "1 for grey, 3 for colours", "testFraction": Self.testFraction,
        "augment": "training images are moved at random; {\"type\": \"flip\"} mirrors them",
      ],
      model: ["type": "digits-cnn", "classes": .integer(classes.count)], batchSize: 32, epochs: 20)
  }

  private init(arrays path: String, labels: String) throws {
    let inputs = try ArrayFile.open([path])
    let numbers = try ArrayFile.open([labels])
    guard inputs.count == numbers.count else {
      throw InputFailure(
        description: "\(labels): has \(counted(numbers.count, "label")), and \(path) has "
          + "\(counted(inputs.count, "example"))")
    }
    let values = try numbers.numbers()
    let width = numbers.valueCount
    let isWhole = numbers.format.element.isInteger
    let areFlags = isWhole && width > 1 && values.allSatisfy { $0 == 0 || $0 == 1 }
    let isOfClasses = isWhole && width == 1 && values.allSatisfy { $0 >= 0 }
    let outputs = isOfClasses ? max(Int(values.max() ?? 1) + 1, 2) : width
    let isLast = Self.areImages(inputs.shape, last: true)
    let areImages = isLast || Self.areImages(inputs.shape, last: false)
    let model: JSONValue =
      areImages && isOfClasses
      ? ["type": "digits-cnn", "classes": .integer(outputs)]
      : ["type": "mlp", "sizes": [64, .integer(outputs)]]
    var data: JSONObject = [
      "type": "arrays", "inputs": .string(path), "labels": .string(labels), "testFraction": 0.2,
    ]
    if isWhole, !isOfClasses { data["targetKind"] = "values" }
    if isLast { data["layout"] = "channelsLast" }
    self.init(
      "\(counted(inputs.count, "array")) of the shape \(inputs.shape)", data: data,
      comments: [
        "testFraction": Self.testFraction,
        "targetKind": "the labels are numbers to learn, and not the numbers of classes",
        "layout": "the last axis of an image is that of its colours",
      ], model: model,
      loss: isOfClasses
        ? "softmaxCrossEntropy" : areFlags ? "binaryCrossEntropy" : "meanSquaredError",
      batchSize: 32, epochs: 20)
  }

  /// Whether arrays look like images: [h, w] or [c, h, w], or with the colours last, [h, w, c].
  private static func areImages(_ shape: [Int], last: Bool) -> Bool {
    if last {
      return shape.count == 3 && [1, 3, 4].contains(shape[2])
        && shape.prefix(2).allSatisfy { $0 >= 8 }
    }
    return shape.count >= 2 && shape.suffix(2).allSatisfy { $0 >= 8 }
  }

  private init(text path: String) throws {
    let size = try FileInput(path).size
    let window = size < 1 << 16 ? 32 : 64
    guard size > window else {
      throw InputFailure(
        description:
          "\(path): has \(counted(size, "byte")), and a window of a text has \(window) and the next one"
      )
    }
    var data: JSONObject = [
      "type": "text", "file": .string(path), "tokenizer": "bytes", "window": .integer(window),
    ]
    // A test part holds a window, too.
    if size / 10 > window { data["testFraction"] = 0.1 }
    self.init(
      "a text of \(counted(size, "byte"))",
      data: data,
      comments: [
        "tokenizer": "each byte is a token; characters need their number as the model's vocabulary",
        "window": "how many tokens the model sees",
        "testFraction": "the end of the text is set apart",
      ],
      model: [
        "type": "gpt", "vocabulary": 256, "context": .integer(window), "width": 64, "layers": 2,
        "heads": 4,
      ], batchSize: 16, epochs: 3, learningRate: 3e-3)
  }

  // MARK: As text

  private static let comments = [
    "data": "what is trained on: lockstep catalog data",
    "model": "what is trained: lockstep catalog models layers",
    "loss": "what is minimised: lockstep catalog losses",
    "batchSize": "examples a step, over all ranks; lockstep find-batch-size helps to choose",
    "shards": "how finely a batch is cut: so many ranks can share a step; the bits follow from it",
    "epochs": "how often each example is seen", "seed": "what all chance follows from",
    "optimizer":
      "how weights move: lockstep catalog optimizers schedules; lockstep find-rate finds a rate",
    "clip":
      "a gradient much longer than those before is shortened; lockstep suggest-clip RUN finds a fixed limit",
  ]

  /// The configuration with its comments. Paths in it are relative to its folder, or absolute where it has none.
  func text(at path: String?) -> String {
    var configuration = configuration
    if var data = configuration["data"]?.objectValue {
      for key in ["file", "folder", "inputs", "labels"] {
        if let given = data[key]?.stringValue { data[key] = .string(Self.path(given, from: path)) }
      }
      configuration["data"] = .object(data)
    }
    var inData = false
    var lines: [String] = []
    for line in JSONValue.object(configuration).prettyText.split(separator: "\n") {
      let depth = line.prefix { $0 == " " }.count
      let key = line.dropFirst(depth + 1).prefix { $0 != "\"" }
      if line.dropFirst(depth).first == "\"" {
        if depth == 2 { inData = key == "data" }
        let comment =
          depth == 2
          ? Self.comments[String(key)] : inData && depth == 4 ? dataComments[String(key)] : nil
        if let comment { lines.append(String(repeating: " ", count: depth) + "// \(comment)") }
      }
      lines.append(String(line))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A path as the configuration names it: as it was given where both lie in one folder, else from the root.
  private static func path(_ path: String, from file: String?) -> String {
    guard file?.contains("/") ?? true, !path.hasPrefix("/") else { return path }
    return AbsolutePath.of(path)
  }
}
