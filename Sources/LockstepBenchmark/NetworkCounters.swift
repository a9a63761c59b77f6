import LockstepPlatform

/// What the network interfaces of this host, or of this network namespace, have carried.
enum NetworkCounters {
  /// The bytes sent through all interfaces but the loopback, headers included; nil where the system
  /// does not say.
  static func sentBytes() -> Int? {
    guard let file = fopen("/proc/self/net/dev", "r") else { return nil }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&text, 1, text.count, file)
    return sentBytes(in: String(decoding: text[..<count], as: UTF8.self))
  }

  /// The same from the text of Linux's `/proc/net/dev`: after two lines of titles a line an
  /// interface, its name and a colon, eight counts of what was received, and the bytes sent.
  private static func sentBytes(in text: String) -> Int {
    var total = 0
    for line in text.split(separator: "\n").dropFirst(2) {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].drop(while: { $0 == " " }) != "lo" else { continue }
      let counts = parts[1].split(separator: " ")
      if counts.count > 8, let sent = Int(counts[8]) { total += sent }
    }
    return total
  }
}
