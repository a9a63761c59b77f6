import Lockstep
import LockstepFiles

// A starter follows from the kind of the data, which is looked for here.

extension Starter {
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
}
