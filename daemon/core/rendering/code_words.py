"""The words by which a one-time code is told from every other number, in four languages. Ours.

All in lower case and in the form in which they stand in a message; of Hebrew without the letters that are
written in front of a word (ו, ה, ב, ל, מ, ש, כ), of Arabic without `ال` and what stands before that.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CODE = _words(
    """
    code otp pin passcode password authcode passkey tan
    קוד קודך קודכם סיסמה סיסמא סיסמת סיסמתך סיסמתכם אימות
    код кода коду кодом коде пароль пароля паролем паролю пин
    رمز رمزك رمزكم كود كودك مرور سر سري تحقق
    """
)
"""What a code is called."""

ANY_CODE = _words("code קוד קודך קודכם код кода коду кодом коде رمز رمزك رمزكم كود كودك")
"""Those that name codes of other kinds as well: of an order, a branch, a country."""

BESIDE = _words(
    """
    to from on at and or with by if when that these our their it you we was has have had will can cannot
    must may
    should please below above here expires valid sent needed requested generated again never also via
    authorization authorisation auth factor step reset recovery unlock pickup pick up collection
    handover delivery
    registration register validation id email mail mobile device linking link payment transaction
    transfer secure
    single voicemail text message reads says share
    על של את עם אל אם או כי לא אין יש זה זהו הזה אשר ש כדי עד תקף תקפה בתוקף נשלח ישלח ביטחון בטחון
    איסוף פתיחה
    פתיחת ביטול שחרור איפוס שחזור חתימה הצבעה אפליקציה אתר נציג ווטסאפ וואטסאפ טלגרם גוגל פייסבוק ביט
    פייבוקס
    из от в на с к и или не никому действует действителен истекает отправлен получения выдачи оплаты
    операции
    регистрации восстановления смс sms
    من على في مع أي إلى لا هو هي صالح استلام واتساب تيليجرام تلجرام جوجل فيسبوك انستغرام
    """
)
"""What may stand beside one of those without making another kind of it."""

ABOUT = _words(
    """
    your the a an my this new one time onetime only use digit security verification verify confirmation
    access log
    login in sign signin authentication auth activation secret temporary personal is as following below
    for no number
    שלך שלכם שלי זה הוא היא חד פעמי פעמית זמני זמנית אישי אישית סודי סודית אימות גישה כניסה אבטחה אישור
    זיהוי
    הפעלה התחברות הבא הבאה חדש חדשה הזדהות רישום הרשמה תשלום ביצוע להלן sms
    ваш твой это этот одноразовый временный новый подтверждения доступа авторизации входа активации
    безопасности
    проверки вход для
    خاص خاصك بك بكم تحقق تفعيل تأكيد دخول تسجيل سري مؤقت مؤقتة مرة واحدة هو هي هذا
    """
)
"""What may stand between what it is called and the code itself, and before the name of it."""

IS = _words("is are be was היא הוא הינו הינה זה это هو هي")

USE = _words(
    """
    use enter type input insert submit
    הקש הקישו הקלד הקלידו הזן הזינו השתמש השתמשו מסור להקיש להקליד להזין
    введите используйте укажите наберите
    استخدم أدخل ادخل
    """
)
"""What is done with a code; it stands before it."""

CONFIRM = _words("login вход входа כניסה כניסתך התחברות confirm verify دخول")
"""What a code is for, where it follows a colon and is called a code only later on."""

CONFIRMING = _words(
    "number verification verify confirmation confirm security access login authentication activation sign"
)
"""After a word that has numbers of its own, these say what a code is for: `phone verification code`."""

NOT = _words("not never אל לא не لا")

VOID = _words(
    """
    expired wrong incorrect invalid old previous cancelled canceled longer
    שגוי שגויה ישן ישנה בוטל בוטלה קודם קודמת אינו אינה פג
    неверный неверно старый прежний истек истёк недействителен
    خاطئ قديم منتهي ملغى
    """
)
"""What is said of a code that is not, or no longer, to be used."""

OTHER_CODE = _words(
    """
    zip postal post area promo promotional coupon discount gift voucher referral dress qr source error
    product item
    country swift branch sort stop booking building customs tax bar status response style conduct review
    letter
    region gate door morse tracking agent employee staff vendor supplier store shop dealer school class
    course room
    seat team group project job model part serial batch lot asset rate fare airport station language
    currency colour
    color red blue green orange yellow black white cheat penal civil exit reason result http return sale
    offer deal
    reward loyalty membership affiliate invite event ticket meeting zoom talk club
    קופון הנחה מבצע צבע שיעור קבוצה אתר מונה רשות לבוש מוסד בנק סניף לקוח פריט מוצר תחנה שגיאה אתי
    מועדון אזור מדינה משפחה ספק סוכן מקור יישוב
    почтовый дресс товара валюты трек штрих промо ошибки региона подразделения страны города заказа
    скидки клиента
    بريدي طلب شحنة سويفت حجز منتج خطأ دولة خصم منطقة مدينة زبون فرع
    """
)
"""What makes a code of another kind of it, before or behind the word."""

NUMBERED = _words(
    """
    order ref reference ticket case invoice account acct card ending ext extension tracking room flight
    bus line page
    seat id version year balance amount total value sum price pay txn transaction phone tel mobile
    number fax
    license plate zone level points customer client member po no hotline zip postcode year since until
    street
    הזמנה בקשה פנייה פניה חשבונית חשבון כרטיס טלפון נייד שלוחה משלוח מעקב מיקוד שנת שנה חדר קו סכום סך
    יתרה מזהה מספר
    ספרות סניף אסמכתא פוליסה תביעה רכב לקוח מסתיים מסתיימת שמסתיים שעה יום מיום שורה עמוד רחוב בית דירה
    טופס
    заказ заказа заказу карта карты карте счет счёт счета счету номер номера заявка заявки телефон
    телефона рейс индекс
    сумма баланс списание паспорт год
    طلب فاتورة حساب بطاقة هاتف رقم عملية غرفة منتهية تنتهي مبلغ رصيد سنة جوال
    """
)
"""What else has a number: one that follows it is its own."""

CALL = _words(
    """
    call dial phone ring calls from חייג חייגו לחייג התקשר התקשרו להתקשר звоните позвоните اتصل
    """
)
"""A number that follows it soon is a phone."""

UNIT = _words(
    """
    nis ils usd eur gbp inr rs rub shekels dollars points pts minutes minute mins min seconds sec hours
    hour days
    characters sms mb gb km am pm
    ש"ח שח שקל שקלים דולר דולרים אירו נקודות דקות דקה שניות שעות ימים
    руб рублей рубля р грн баллов минут минуты секунд часов дней долларов
    شيكل ريال دولار دينار نقطة دقائق دقيقة ساعات
    """
)
"""What makes a number a quantity, behind it; sums of money also before it."""
