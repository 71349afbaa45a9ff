package io.kmodfleet.deploy.demo;

import com.deque.html.axecore.results.Rule;
import com.deque.html.axecore.selenium.AxeBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.stream.Collectors;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A real Chromium without a window, and whoever sits before it. */
final class Browser implements AutoCloseable {

    static final Path PROGRAM = Path.of("/usr/bin/chromium");
    static final Path DRIVER = Path.of("/usr/bin/chromedriver");

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Path SCREENSHOTS = Path.of("target/screenshots");
    private static final List<Integer> WIDTHS = List.of(1280, 390);

    private final URI home;
    private final ChromeDriver driver;

    Browser(URI home) {
        this(home, Map.of());
    }

    /** @param preferences of Chromium's profile */
    Browser(URI home, Map<String, Object> preferences) {
        this.home = home;
        ChromeOptions options = new ChromeOptions();
        options.setBinary(PROGRAM.toString());
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,900");
        options.setExperimentalOption("prefs", preferences);
        LoggingPreferences logging = new LoggingPreferences();
        logging.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logging);
        driver = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(DRIVER.toFile())
                        .build(),
                options);
    }

    ChromeDriver driver() {
        return driver;
    }

    Browser open(String path) {
        driver.get(home.resolve(path).toString());
        return this;
    }

    String text(String css) {
        while (true) {
            try {
                return find(By.cssSelector(css)).getText();
            } catch (StaleElementReferenceException e) {
                // The page brought it up to date between the two.
            }
        }
    }

    /** Waits for it: a page that was asked for may still be on its way. */
    private WebElement find(By where) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return driver.findElement(where);
            } catch (org.openqa.selenium.WebDriverException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                pause(50);
            }
        }
    }

    List<WebElement> all(String css) {
        return driver.findElements(By.cssSelector(css));
    }

    void click(String css) {
        find(By.cssSelector(css)).click();
    }

    void clickLink(String words) {
        find(By.partialLinkText(words)).click();
    }

    void type(String css, String text) {
        WebElement field = find(By.cssSelector(css));
        field.clear();
        field.sendKeys(text);
    }

    Object script(String code, Object... arguments) {
        return driver.executeScript(code, arguments);
    }

    /** Until then, or it fails with what was waited for. */
    void await(String what, BooleanSupplier there) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                if (there.getAsBoolean()) {
                    return;
                }
            } catch (org.openqa.selenium.WebDriverException e) {
                // The page is just being exchanged.
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("Expected " + what + " within " + PATIENCE.toSeconds()
                        + " s, but the page says:\n" + text("body"));
            }
            pause(50);
        }
    }

    /** What the console complained about since it was asked last. */
    List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .map(entry -> entry.getMessage())
                .toList();
    }

    /** Pictures of the page at each width, under that name, whole. */
    void look(String name) throws IOException {
        Files.createDirectories(SCREENSHOTS);
        for (int width : WIDTHS) {
            driver.manage().window().setSize(new Dimension(width, 900));
            long height = (Long) script("return Math.min(6000, document.documentElement.scrollHeight)");
            Map<String, Object> metrics =
                    Map.of("width", width, "height", Math.max(900, height), "deviceScaleFactor", 1, "mobile", false);
            driver.executeCdpCommand("Emulation.setDeviceMetricsOverride", metrics);
            pause(150);
            Files.write(SCREENSHOTS.resolve(name + "-" + width + ".png"), driver.getScreenshotAs(OutputType.BYTES));
            driver.executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
        }
        driver.manage().window().setSize(new Dimension(1280, 900));
    }

    /** Whether nothing is wider than the screen of a telephone. */
    boolean fits() {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", 390, "height", 900, "deviceScaleFactor", 1, "mobile", false));
        boolean fits = (Boolean) script("return document.documentElement.scrollWidth <= window.innerWidth");
        driver.executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
        return fits;
    }

    /** In light or dark. */
    void scheme(String scheme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    /** What does not keep WCAG 2.1 AA, as far as axe can see. */
    List<String> barriers() {
        return new AxeBuilder()
                .withTags(List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")).analyze(driver).getViolations().stream()
                        .map(Browser::words)
                        .toList();
    }

    private static String words(Rule rule) {
        return rule.getId() + ": " + rule.getHelp() + " "
                + rule.getNodes().stream()
                        .map(node -> node.getHtml() + " " + node.getFailureSummary())
                        .limit(3)
                        .collect(Collectors.joining("; "));
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        driver.quit();
    }
}
